"""
What an operator sees before any order: `perdure check` against real name servers that serve good, bad and differing records, and
`record show`, `ca list`, `ca probe` and `init` against a CA of which only the directory exists.
"""
import json
import os
import stat
import threading
import time

import dns.rdatatype
import pytest

import harness
from small_servers import Directory, DnsServer, ZoneServer, answer, free_port_on

ZONE = "example.test"
OWNER = "_validation-persist." + ZONE
PREFIX = "https://localhost/account-hash/"


class World:
    """A CA's directory, name servers of one zone at several addresses, and perdure configured for them."""

    def __init__(self, stage, servers=1, names=(ZONE,), ca_options=None, dns=None, **more):
        self.stage = stage
        self.ips = [f"127.0.0.{i + 1}" for i in range(servers)]
        self.port = free_port_on(self.ips)
        self.ca = Directory(stage)
        self.servers = [ZoneServer(stage, ip, self.port, ZONE, []) for ip in self.ips]
        stub = {"zone": ZONE, "servers": self.ips, "port": self.port}
        self.config = {"cas": [self.ca.config_entry(**(ca_options or {}))], "dns": dns or {"stubs": [stub], "timeout": "1s"},
                       "certificates": [{"names": list(names)}] if names else [], **more}
        self.p = harness.Perdure(stage, self.config)

    def value(self, account="1", issuer="ca.test", more=""):
        return f"{issuer};accounturi={self.ca.base}/acct/{account}{more}"

    def serve(self, *sets):
        """One list of TXT values per server; a single one is for all."""
        for i, server in enumerate(self.servers):
            values = sets[i] if len(sets) > 1 else sets[0]
            server.change([f'_validation-persist TXT "{v}"' for v in values])

    def server(self, i):
        return f"{self.ips[i]}@{self.port}"

    def check(self, name=ZONE, rc=0):
        done = self.p.run("check", name, "--json")
        assert done.rc == rc, done
        (answer,) = done.lines()
        assert done.err == "" and answer["ca"] == "ca" and answer["owner"] == OWNER
        return answer


@pytest.fixture
def world(stage):
    return lambda *a, **kw: World(stage, *a, **kw)


def test_verdicts(world):
    """One server, one name: every kind of record."""
    w = world()
    now = int(time.time())
    good, bad = w.value(), w.value("2")
    cases = [
        # records, name, verdict, ACME error, words in the reason
        ([good], ZONE, None, ""),
        ([], ZONE, "unauthorized", "no"),
        ([bad], ZONE, "unauthorized", "account"),
        ([w.value(issuer="other.test")], ZONE, "unauthorized", ""),
        ([w.value(more=f";persistUntil={now - 60}")], ZONE, "unauthorized", "persistUntil"),
        ([w.value(more=f";persistUntil={now + 3600}")], ZONE, None, ""),
        ([w.value(more=";persistUntil=soon")], ZONE, "malformed", "malformed"),
        (["ca.test;accounturi"], ZONE, "malformed", "malformed"),
        (['ca.test;accounturi=\\"' + w.ca.base + '/acct/1\\"'], ZONE, "unauthorized", "account"),  # quotes are no syntax
        ([good], "*." + ZONE, "unauthorized", "wildcard"),
        ([w.value(more=";policy=wildcard")], "*." + ZONE, None, ""),
        ([w.value(more=";policy=wildcard")], ZONE, None, ""),
        ([bad, "unrelated text", good], ZONE, None, ""),
        ([bad, w.value("3")], ZONE, "unauthorized", "account"),
    ]
    for values, name, problem, words in cases:
        w.serve(values)
        a = w.check(name, rc=5 if problem else 0)
        where = f"{name} with {values}: {a}"
        assert a["verdict"] == ("refused" if problem else "accepted"), where
        assert a["problem"] == problem and words.lower() in a["reason"].lower(), where
        assert a["name"] == ZONE and a["wildcard"] is name.startswith("*") and a["level"] == 1, where
        assert a["disagree"] is False and a["warning"] is None and a["zone"] == ZONE and a["chain"] == [], where
        (s,) = a["servers"]
        assert s["valid"] is not bool(problem) and s["result"] == ("found" if values else "nxdomain"), where
        if problem:
            want = w.value(more=";policy=wildcard" if name.startswith("*") else "")
            assert a["fix"] == f'{OWNER}. 3600 IN TXT "{want}"', where
        else:
            assert a["fix"] is None, where


def test_the_fix_is_accepted(world):
    """What check says to publish is what makes it say yes."""
    w = world()
    for name in (ZONE, "*." + ZONE):
        w.serve([w.value("2")])
        fix = w.check(name, rc=5)["fix"]
        w.servers[0].change([fix])
        assert w.check(name)["verdict"] == "accepted"


def test_the_fix_is_what_record_show_prints(world):
    """One record serves base name and wildcard, and names the issuer that perdure chooses among several."""
    w = world(names=(ZONE, "*." + ZONE), ca_options={"issuer": ["z.example", "a.example"]})
    shown = zone_lines(w.p.run("record", "show", "--format", "zone"))
    done = w.p.run("check", "--all", "--json")
    assert done.rc == 5
    assert {a["fix"] for a in done.lines()} == set(shown) and len(shown) == 1
    done = w.p.run("check", ZONE, "*." + ZONE, "--json")
    assert {a["fix"] for a in done.lines()} == set(shown)


def test_expiry_is_told(world):
    w = world()
    w.serve([w.value(more=";persistUntil=4102444800")])
    assert w.check()["persist_until"] == "2100-01-01T00:00:00Z"


def test_text(world):
    """The same for people: one line for a name, the line to publish, a sum at the end."""
    w = world(names=[ZONE, "*." + ZONE])
    w.serve([w.value()])
    done = w.p.run("check", "--all")
    assert done.rc == 5 and done.err == ""
    lines = done.out.splitlines()
    assert lines[0].startswith(f"accepted {ZONE} at ca (level 01): ")
    assert lines[1].startswith(f"refused *.{ZONE} at ca (level 01): ")
    assert lines[2] == f'  publish: {OWNER}. 3600 IN TXT "{w.value(more=";policy=wildcard")}"'
    assert lines[-1] == "2 checked: 1 accepted, 1 refused, 0 unknown"
    quiet = w.p.run("check", "--all", "--quiet")
    assert quiet.rc == 5 and "accepted" not in quiet.out and f"refused *.{ZONE}" in quiet.out


def test_record_text_is_data(world):
    """Control characters of a record do not reach the terminal."""
    w = world()
    w.serve([w.value("\\027[2J\\007"), "\\027]0;owned\\007"])
    done = w.p.run("check", ZONE, "-v")
    assert done.rc == 5 and all(c.isprintable() or c == "\n" for c in done.out + done.err), repr(done.out + done.err)


def test_two_of_three_is_enough(world):
    w = world(servers=3)
    w.serve([w.value()], [w.value("2")], [w.value()])
    a = w.check()
    assert a["verdict"] == "accepted" and a["disagree"] is True and w.server(1) in a["warning"]
    assert [s["valid"] for s in a["servers"]] == [True, False, True]
    done = w.p.run("check", ZONE)
    assert done.rc == 0 and "  warning: servers-disagree: " in done.out
    assert sum(w.server(i) in done.out for i in range(3)) == 3, "every server is shown"


def test_one_of_two_is_not(world):
    w = world(servers=2)
    w.serve([w.value()], [w.value("2")])
    a = w.check(rc=5)
    assert a["verdict"] == "refused" and a["disagree"] is True and a["warning"] is None
    assert w.server(1) in a["hint"] and w.server(0) not in a["hint"]
    done = w.p.run("check", ZONE)
    assert done.rc == 5 and f"ask why {w.server(1)} does not" in done.out


def test_a_dead_server_is_reported(world):
    w = world(servers=3)
    w.serve([w.value()])
    w.servers[2].stop()
    a = w.check()
    assert a["verdict"] == "accepted" and a["disagree"] is False
    dead = a["servers"][2]
    assert dead["server"] == w.server(2) and dead["result"] == "timeout" and dead["valid"] is False and dead["reason"]
    done = w.p.run("check", ZONE)
    assert done.rc == 0 and w.server(2) in done.out and w.server(0) not in done.out, "only what is odd is shown"


def test_without_ipv6(world):
    """Addresses that this host has no way to are held against nobody, neither by check nor by audit."""
    w = world()
    w.serve([w.value()])
    w.p.configure({**w.config, "dns": {"stubs": [{"zone": ZONE, "servers": [w.ips[0], "fe80::1", "fe80::2"], "port": w.port}], "timeout": "1s"}})
    a = w.check()
    (text,) = [f["text"] for f in a["findings"] if f["code"] == "servers-half-seen"]
    assert "fe80::1" in text and "fe80::2" in text
    assert not [f for f in a["findings"] if f["severity"] != "info"] and [s["health"] for s in a["servers"]] == ["ok", "no-ipv6", "no-ipv6"]
    assert "fe80" not in w.p.run("check", ZONE).ok().out and "fe80" in w.p.run("check", ZONE, "-v").ok().out
    assert "PD605" not in w.p.run("audit", "--json").out
    w.servers[0].stop()
    assert "fe80" in w.p.run("check", ZONE).out and "PD605" in w.p.run("audit", "--json").out


def test_all_servers_dead(world):
    w = world(servers=2)
    for s in w.servers:
        s.stop()
    a = w.check(rc=75)
    assert a["verdict"] == "unknown" and a["problem"] is None and a["fix"] is None
    assert "2 servers asked, none answered" in a["reason"] and "stubs" in a["hint"]


def test_refused_goes_before_unknown(stage, world):
    """Exit status 5 when some names are refused and others unknown."""
    w = world()
    other = {"zone": "dead.test", "servers": ["127.0.0.1"], "port": harness.free_port()}
    w.p.configure({**w.config, "dns": {"stubs": w.config["dns"]["stubs"] + [other], "timeout": "1s"}})
    done = w.p.run("check", ZONE, "dead.test", "--json")
    assert done.rc == 5 and [a["verdict"] for a in done.lines()] == ["refused", "unknown"]
    assert w.p.run("check", "dead.test").rc == 75


def test_mode_none(world):
    w = world(dns={"mode": "none"})
    w.serve([w.value()])
    a = w.check(rc=75)
    assert a["verdict"] == "unknown" and "none" in a["reason"] and a["servers"] == []


def test_mode_resolver(world):
    w = world()
    w.p.configure({**w.config, "dns": {"mode": "resolver", "resolvers": [w.server(0)]}})
    w.serve([w.value()])
    a = w.check()
    assert a["verdict"] == "accepted" and [s["address"] for s in a["servers"]] == [w.server(0)]
    w.serve([w.value("2")])
    assert w.check(rc=5)["verdict"] == "refused"


def test_alias(world):
    """A CNAME at the validation name is followed and shown."""
    w = world()
    target = "records." + ZONE
    w.servers[0].change([f"_validation-persist CNAME {target}.", f'records TXT "{w.value()}"'])
    a = w.check()
    assert a["verdict"] == "accepted" and a["chain"] == [target]
    assert f"-> {target}" in w.p.run("check", ZONE).out
    w.servers[0].change([f"_validation-persist CNAME {target}."])
    assert w.check(rc=5)["chain"] == [target]


def test_usage(world):
    w = world()
    for args in (["check"], ["check", "--all", ZONE], ["check", "com"], ["check", "--ca", "none", ZONE], ["check", "192.0.2.1"]):
        done = w.p.run(*args)
        assert done.rc == 2 and done.err, done
    w.p.configure({**w.config, "cas": [{k: v for k, v in w.config["cas"][0].items() if k != "account"}]})
    done = w.p.run("check", ZONE)
    assert done.rc == 2 and "account register" in done.err


def test_the_dns_is_asked_while_the_ca_is(stage):
    """The CA's directory comes only when the name servers have been asked; what they said is used."""
    asked = threading.Event()
    held = []

    def udp(q, _wire):
        asked.set()
        name, kind = q.question[0].name.to_text(), q.question[0].rdtype
        return [answer(q, good, rr=name == OWNER + "." and kind == dns.rdatatype.TXT).to_wire()]

    class Slow(Directory):
        def document(self):
            held.append(asked.wait(20))
            return super().document()

    ca, server = Slow(stage), DnsServer(udp)
    good = f"ca.test;accounturi={ca.base}/acct/1"
    host, port = server.address.split("@")
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "certificates": [{"names": [ZONE]}], "dns": {
        "stubs": [{"zone": ZONE, "servers": [host], "port": int(port)}], "timeout": "1s"}})
    for names in ([ZONE], ["--all"], [f"*.{ZONE}", ZONE], [f"n{i}.{ZONE}" for i in range(9)] + [ZONE]):
        asked.clear()
        few = len(names) < 9
        if not few:
            asked.set()  # of many names none is asked for before
        done = p.run("check", *names, "--json")
        assert held.pop() and not held, names
        found = {a["name"]: a["verdict"] for a in done.lines() if not a["wildcard"]}
        assert found.pop(ZONE) == "accepted" and set(found.values()) <= {"refused"}, done
    server.close()


def test_a_state_that_belongs_to_somebody_else(world):
    """What there is to do is said; with a state directory of its own the same user can ask."""
    w = world()
    w.serve([w.value()])
    os.makedirs(w.p.state_dir, mode=0o700)
    wrap = ()
    if os.geteuid():
        os.chmod(w.p.state_dir, 0)
    else:
        os.chown(w.p.state_dir, 65534, 65534)
        wrap = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    done = w.p.run("check", ZONE, wrap=wrap)
    os.chmod(w.p.state_dir, 0o700)
    assert done.rc == 1 and "Permission denied" in done.err and "as the user whose state it is" in done.err, done
    w.p.configure({**w.config, "state_dir": os.path.join(w.p.folder, "none")})
    w.p.run("check", ZONE, wrap=wrap).ok()


# --- record show ----------------------------------------------------------------------------------------------------------


def zone_lines(done):
    assert done.rc == 0, done
    return done.out.splitlines()


def test_record_show(world):
    w = world(names=[ZONE, "*." + ZONE, "www." + ZONE])
    wild = f'{OWNER}. 3600 IN TXT "{w.value(more=";policy=wildcard")}"'
    www = f'_validation-persist.www.{ZONE}. 3600 IN TXT "{w.value()}"'
    assert zone_lines(w.p.run("record", "show", "--format", "zone")) == [wild, www]
    assert zone_lines(w.p.run("record", "show", "--all", "--format", "zone")) == [wild, www]
    asked = len(w.ca.requests)
    assert asked
    # a name that no certificate has is taken as it is written
    assert zone_lines(w.p.run("record", "show", "new." + ZONE, "--format", "zone")) == [
        f'_validation-persist.new.{ZONE}. 3600 IN TXT "{w.value()}"']
    text = w.p.run("record", "show").ok().out
    assert OWNER in text and w.value(more=";policy=wildcard") in text and wild in text
    for args in (["--json"], ["--format", "json"]):
        first, second = w.p.run("record", "show", *args).ok().lines()
        assert first == {"ca": "ca", "name": ZONE, "wildcard": True, "level": 1, "owner": OWNER, "persist_until": None,
                         "value": w.value(more=";policy=wildcard"), "zone_line": wild}
        assert second["name"] == "www." + ZONE and second["wildcard"] is False
    assert w.p.run("record", "show", "--format", "bind").rc == 2
    assert w.p.run("record", "show", "--all", ZONE).rc == 2


def test_record_show_offline(world):
    w = world(ca_options={"issuer": "ca.example", "level": 1})
    done = w.p.run("record", "show", "--offline", "--format", "zone")
    assert zone_lines(done) == [f'{OWNER}. 3600 IN TXT "{w.value(issuer="ca.example")}"'] and w.ca.requests == []
    # without an issuer in the configuration nothing is guessed
    w.p.configure({**w.config, "cas": [w.ca.config_entry()]})
    done = w.p.run("record", "show", "--offline")
    assert done.rc == 2 and done.out == "" and "ca probe" in done.err and w.ca.requests == []


def test_issuer_of_the_configuration_goes_first(world):
    w = world(ca_options={"issuer": "two.example"})
    w.ca.meta["issuerDomainNames"] = ["announced.example"]
    (line,) = zone_lines(w.p.run("record", "show", "--format", "zone"))
    assert '"two.example;' in line
    w.p.configure({**w.config, "cas": [w.ca.config_entry()]})
    (line,) = zone_lines(w.p.run("record", "show", "--format", "zone"))
    assert '"announced.example;' in line


def test_a_preset_moves_to_02(world):
    """While the CA moves both forms are shown; a host that is offline still shows the one it knows."""
    w = world()
    w.p.configure({**w.config, "cas": [w.ca.config_entry("google")]})
    (before,) = w.p.run("record", "show", "--json").ok().lines()
    assert before["level"] == 1 and before["value"].startswith("pki.goog;accounturi=" + w.ca.base)
    w.ca.meta.update({"accountHashPrefix": PREFIX, "issuerDomainNames": ["pki.goog"]})
    done = w.p.run("record", "show", "--json").ok()
    old, new = done.lines()
    assert old == before and "publish both" in done.err
    assert new["level"] == 2 and new["owner"] == OWNER and new["value"].startswith(f"pki.goog;accounturi={PREFIX}sha-256/")
    assert [r["level"] for r in w.p.run("record", "show", "--json", "--offline").ok().lines()] == [1]
    # both side by side are accepted, and so is the new one alone; the old one alone is not
    w.servers[0].change([new["zone_line"], old["zone_line"]])
    assert check_google(w) == "accepted"
    w.servers[0].change([new["zone_line"]])
    assert check_google(w) == "accepted"
    w.servers[0].change([old["zone_line"]])
    assert check_google(w) == "refused"


def check_google(w):
    (a,) = w.p.run("check", ZONE, "--json").lines()
    assert a["level"] == 2
    return a["verdict"]


def test_level_02_needs_the_prefix(world):
    w = world(ca_options={"level": 2, "issuer": "ca.test"})
    for args in ([], ["--offline"]):
        done = w.p.run("record", "show", *args)
        assert done.rc == 2 and done.out == "" and "accountHashPrefix" in done.err, done


# --- ca and init ----------------------------------------------------------------------------------------------------------


def test_ca_probe(world):
    w = world()
    a = w.p.run("ca", "probe", "ca", "--json").ok().json()
    assert a["directory"] == w.ca.dir_url and a["levels"] == [1] and a["issuers"] == ["ca.test"]
    assert a["account_hash_prefix"] is None and a["external_account_required"] is False and a["profiles"] == []
    w.ca.meta = {"accountHashPrefix": PREFIX, "issuerDomainNames": ["one.test", "two.test"], "externalAccountRequired": True,
                 "termsOfService": "https://localhost/tos", "profiles": {"short": "six days"}}
    a = w.p.run("ca", "probe", "ca", "--json").ok().json()
    assert a["levels"] == [2] and a["issuers"] == a["issuer_domain_names"] == ["one.test", "two.test"]
    assert a["account_hash_prefix"] == PREFIX and a["external_account_required"] is True
    assert a["profiles"] == [{"name": "short", "description": "six days"}] and a["terms_of_service"] == "https://localhost/tos"
    text = w.p.run("ca", "probe", "ca").ok().out
    assert "02 (" in text and "one.test, two.test" in text and "required" in text
    # what nobody knows is said, not made up
    w.ca.meta = {}
    assert w.p.run("ca", "probe", "ca", "--json").ok().json()["issuers"] == []
    assert "not known" in w.p.run("ca", "probe", "ca").ok().out
    assert w.p.run("ca", "probe", "none").rc == 2


def test_ca_that_does_not_answer(world):
    w = world(ca_options={"directory": f"https://localhost:{harness.free_port()}/dir", "issuer": "ca.test"})
    done = w.p.run("ca", "probe", "ca")
    assert done.rc in (1, 75) and "localhost" in done.err and done.out == ""
    # the configuration is enough for the record
    done = w.p.run("record", "show", "--format", "zone")
    assert len(zone_lines(done)) == 1 and "going by the configuration alone" in done.err


def test_ca_list(world):
    w = world()
    listed = w.p.run("ca", "list", "--json").ok().lines()
    by_name = {p["name"]: p for p in listed}
    assert len(by_name) == len(listed) and {"google", "letsencrypt", "letsencrypt-staging", "zerossl"} <= set(by_name)
    assert by_name["google"]["level"] == 1 and by_name["google"]["eab"] is True and by_name["letsencrypt"]["level"] is None
    text = w.p.run("ca", "list").ok().out
    assert all(p["directory"].startswith("https://") and p["directory"] in text and p["name"] in text for p in listed)


def init(stage, *args):
    p = harness.Perdure(stage, "")
    os.remove(p.config_file)
    done = p.run("init", *args, env={"XDG_STATE_HOME": p.folder})
    return p, done


@pytest.mark.parametrize("args", [[], ["--ca", "letsencrypt-staging", "example.test", "*.example.test"], ["--ca", "google"]])
def test_init_dry_run(stage, args):
    """What it would write is what it writes; config check passes it, and it is not overwritten."""
    p, done = init(stage, *args, "--dry-run")
    assert done.rc == 0 and not os.path.exists(p.config_file) and os.listdir(p.folder) == []
    text = done.out
    # state_dir goes to the scratch folder before anything makes a key
    harness.write(p.config_file, text.rstrip() + f"\n\nstate_dir: {p.state_dir}\n")
    checked = p.run("config", "check", "--json").ok().json()
    assert checked["ok"] is True and checked["warnings"] == []
    assert checked["certificates"] == (1 if "example.test" in args else 0)
    again = p.run("init", *args)
    assert again.rc != 0 and harness.read(p.config_file).startswith(text.rstrip())


def test_init_writes(stage):
    for args in (["example.test"], ["--ca", "none"]):
        for more in ([], ["--dry-run"]):
            p, done = init(stage, *args, *more)
            assert done.rc == 2 and done.out == "" and done.err and not os.path.exists(p.config_file)
    done = p.run("init", "--json")
    assert done.rc == 0 and done.json() == {"config": p.config_file, "account_key": None}
    assert stat.S_IMODE(os.stat(p.config_file).st_mode) & 0o077 in (0, 0o044)
    assert p.run("config", "check").rc == 0
    before = harness.read(p.config_file)
    again = p.run("init")
    assert again.rc != 0 and harness.read(p.config_file) == before and p.config_file in again.err


class Waiting:
    """perdure check in the background; its lines of JSON come into a file."""

    def __init__(self, w, *args, interval="1s"):
        self.log = os.path.join(w.p.folder, "waiting.log")
        self.process = w.p.start("check", *args, "--interval", interval, "--json", log=self.log)

    def lines(self):
        return [json.loads(line) for line in harness.read(self.log).splitlines()]

    def end(self):
        return self.process.wait(timeout=30)


def test_wait(world):
    """For scripts: until the record is as it should be, or the time is over."""
    w = world()
    w.serve([w.value("2")])
    done = w.p.run("check", ZONE, "--wait", "accepted", "--timeout", "2s", "--interval", "1h", "--json")
    assert done.rc == 75 and [a["verdict"] for a in done.lines()] == ["refused"]
    assert w.p.run("check", ZONE, "--wait", "refused", "--interval", "1s").rc == 0
    waiting = Waiting(w, ZONE, "--wait", "accepted")
    time.sleep(1.5)
    assert waiting.process.poll() is None and waiting.lines() == []
    w.serve([w.value()])
    assert waiting.end() == 0 and [a["verdict"] for a in waiting.lines()] == ["accepted"]


def test_watch(world):
    """The state at first, and then what changed."""
    w = world(names=(ZONE, "www." + ZONE))
    w.serve([w.value()])
    watching = Waiting(w, "--all", "--watch")
    harness.wait_until("the first round", 20, lambda: len(watching.lines()) == 2)
    assert {(a["name"], a["verdict"]) for a in watching.lines()} == {(ZONE, "accepted"), ("www." + ZONE, "refused")}
    time.sleep(1.5)
    assert watching.process.poll() is None
    w.serve([])
    assert watching.end() == 5 and [(a["name"], a["verdict"]) for a in watching.lines()[2:]] == [(ZONE, "refused")]


def test_waiting_ends_on_a_signal(world):
    w = world()
    w.serve([])
    waiting = Waiting(w, ZONE, "--watch", interval="1h")
    harness.wait_until("the first round", 20, lambda: len(harness.read(waiting.log).splitlines()) == 1)
    waiting.process.terminate()
    assert waiting.end() == 1, "long before the next round"


def test_usage_of_waiting(world):
    w = world()
    for args in (["--watch", "--wait", "accepted"], ["--wait", "unknown"], ["--interval", "soon", "--watch"], ["--timeout", "0s", "--wait", "refused"]):
        assert w.p.run("check", ZONE, *args).rc == 2, args
