"""perdure provider list, test, policy: against real servers; nothing is left behind, and no credential is ever shown."""
import json
import os
import re
import signal
import subprocess

import pytest

from dns_servers import Bind, Knot, PowerDNS, values
from harness import Perdure, Stage, read, wait_until, write
from small_servers import ZoneServer, free_port_on

ZONE = "example.test"
NAME = f"_validation-persist.www.{ZONE}"
STEPS = ["credentials", "zone", "read", "write", "visible", "remove"]


def site(stage, server, entry=None, port=None, **more):
    """A perdure whose view of the zone is the server's own (or that of another port)."""
    return Perdure(stage, {"providers": [entry or server.entry()],
                           "dns": {"stubs": [{"zone": ZONE, "servers": ["127.0.0.1"], "port": port or server.port}]},
                           "cas": [{"name": "ca", "directory": "https://ca.test/dir", "issuer": "ca.test"}],
                           "certificates": [{"names": [f"www.{ZONE}"]}], **more})


def secret_of(server):
    return server.api_key if isinstance(server, PowerDNS) else server.secret


def scratch_left(server):
    """Whether something of a test is in the zone: PowerDNS tells by its interface, the others by transfer."""
    if isinstance(server, PowerDNS):
        text = json.dumps(server.call("GET", f"/zones/{ZONE}."))
    else:
        text = subprocess.run(["dig", "+noall", "+answer", "-y", f"{server.algorithm}:{server.key_name}:{server.secret}",
                               "@127.0.0.1", "-p", str(server.port), ZONE, "AXFR"], capture_output=True, text=True, check=True).stdout
        assert "SOA" in text
    return "perdure" in text


@pytest.fixture(scope="module", params=[Knot, Bind, PowerDNS])
def server(request):
    with Stage() as stage:
        yield request.param(stage, {ZONE: ["www A 127.0.0.1"]})


def test_all_steps(server):
    p = site(server.stage, server)
    text = p.run("provider", "test", "edge", "--zone", ZONE, "-vv").ok()
    assert re.findall(r"^ok +(\w+)", text.out, re.M) == STEPS
    done = p.run("provider", "test", "edge", "--zone", ZONE, "--json").ok()
    answer = json.loads(done.out)
    assert answer["ok"] and [s["step"] for s in answer["steps"]] == STEPS and answer["provider"] == "edge"
    assert "1 of 1" in answer["steps"][4]["detail"]
    assert not scratch_left(server)
    for output in (text, done):
        assert secret_of(server) not in output.out + output.err
    # Beside what is at a name, which stays.
    server.nsupdate(f'update add {NAME}. 300 TXT "foreign"')
    p.run("provider", "test", "edge", "--name", NAME).ok()
    assert values(server.port, NAME) == ['"foreign"']
    listed = json.loads(p.run("provider", "list", "--json").ok().out)
    assert listed["providers"] == [{"name": "edge", "type": server.entry()["type"], "zones": []}]


def test_zone_of_the_list(server):
    p = site(server.stage, server, server.entry(zones=[ZONE]))
    p.run("provider", "test", "edge").ok()
    done = p.run("provider", "test", "edge", "--zone", "other.test")
    assert done.rc == 1 and "zones of provider edge" in done.err
    assert site(server.stage, server).run("provider", "test", "edge").rc == 2


def test_never_visible_and_stopped(server):
    """The public servers are others: the test says so, and takes its record away; also when it is stopped."""
    port = free_port_on(["127.0.0.1"])
    ZoneServer(server.stage, "127.0.0.1", port, ZONE, [])
    p = site(server.stage, server, port=port)
    done = p.run("provider", "test", "edge", "--zone", ZONE, "--wait", "1", "--json")
    answer = json.loads(done.out)
    assert done.rc == 1 and not answer["ok"] and "0 of 1" in answer["error"]
    assert [(s["step"], s["ok"]) for s in answer["steps"]][-2:] == [("visible", False), ("remove", True)]
    assert not scratch_left(server)
    for sig in (signal.SIGINT, signal.SIGTERM):
        log = os.path.join(p.folder, f"stopped-{sig}")
        running = server.stage.spawn([os.environ["PERDURE_BIN"], "provider", "test", "edge", "--zone", ZONE, "-vv", "--config",
                                      p.config_file], log)
        wait_until("the record to be written", 20, lambda: "ok     write" in read(log))
        # Nothing secret in what everybody may see of the process.
        assert secret_of(server).encode() not in open(f"/proc/{running.pid}/cmdline", "rb").read()
        assert secret_of(server).encode() not in open(f"/proc/{running.pid}/environ", "rb").read()
        assert scratch_left(server)
        running.send_signal(sig)
        assert running.wait(20) != 0
        assert re.findall(r"^ok +(\w+)", read(log), re.M)[-1] == "remove"
        assert secret_of(server) not in read(log)
        assert not scratch_left(server)


def test_wrong_key(server):
    canary = "d3JvbmcgY2FuYXJ5IHNlY3JldCB3cm9uZyBzZWNyZXQ="
    key = write(os.path.join(server.stage.folder("wrong"), "key"), canary, 0o600)
    entry = server.entry()
    entry.update({"key_file": key} if isinstance(server, PowerDNS) else {"tsig": {"file": key, "name": server.key_name}})
    p = site(server.stage, server, entry)
    for options in ((), ("--json",), ("-vv",)):
        done = p.run("provider", "test", "edge", "--zone", ZONE, *options)
        assert done.rc == 1 and canary not in done.out + done.err
    answer = json.loads(p.run("provider", "test", "edge", "--zone", ZONE, "--json").out)
    assert (answer["error_kind"], answer["cause"]) == ("provider", "key") and answer["hint"]
    os.chmod(key, 0o640)
    done = p.run("provider", "test", "edge", "--zone", ZONE)
    assert done.rc == 2 and "chmod" in done.err and canary not in done.err


@pytest.mark.parametrize("kind", [Knot, Bind])
def test_the_policy_is_enough_and_no_more(kind):
    """What `provider policy` prints, put into the server's configuration: our names can be written, others not."""
    with Stage() as stage:
        entry = {"name": "edge", "type": "rfc2136", "server": "127.0.0.1@1", "zones": [ZONE], "tsig": {"file": "none", "name": "perdure-key"}}
        text = Perdure(stage, {"providers": [entry], "certificates": [{"names": [f"www.{ZONE}", f"*.www.{ZONE}"]}],
                               "cas": [{"name": "ca", "directory": "https://ca.test/dir"}]}).run("provider", "policy", "edge").ok().out
        if kind is Bind:
            server = Bind(stage, {ZONE: []}, policy=re.search(r"update-policy \{\n(.*?)\n\t\};", text, re.S).group(1))
        else:
            server = Knot(stage, {ZONE: []}, acl=re.search(r"^acl:.*?(?=^zone:)", text, re.S | re.M).group(0))
        p = site(stage, server)
        p.run("provider", "test", "edge", "--name", NAME).ok()
        done = p.run("provider", "test", "edge", "--zone", ZONE, "--json")
        assert done.rc == 1 and json.loads(done.out)["cause"] == "policy", done.out
        assert [s["step"] for s in json.loads(done.out)["steps"] if not s["ok"]] == ["write"]


def test_configuration(stage):
    """Keys that a type does not take, that it needs, zones given twice: with file, line and column."""
    good = {"name": "a", "type": "rfc2136", "server": "192.0.2.1"}
    for providers, words in (([{"name": "a", "type": "rfc2136"}], "needs server"),
                             ([{**good, "url": "https://x.test"}], "no key 'url'"),
                             ([{**good, "tsig": {"name": "k"}}], "needs tsig.file"),
                             ([{**good, "type": "nonsense"}], "nonsense"),
                             ([good, good], "given already"),
                             ([{**good, "zones": ["x.test"]}, {**good, "name": "b", "zones": ["X.test."]}], "provider 'a' already"),
                             ([{"name": "p", "type": "powerdns", "url": "ftp://x", "key_file": "k"}], "https")):
        done = Perdure(stage, {"providers": providers}).run("config", "check")
        assert done.rc == 2 and words in done.err and re.search(r"perdure\.yaml:\d+:\d+: ", done.err), done.err
    done = Perdure(stage, {"providers": [{"name": "p", "type": "powerdns", "url": "http://192.0.2.1:8081", "key_file": "k"}]})
    write(os.path.join(done.folder, "k"), "canary", 0o600)
    told = done.run("provider", "test", "p", "--zone", ZONE)
    assert told.rc == 2 and "not https" in told.err and "plain_http" in told.err
