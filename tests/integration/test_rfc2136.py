"""The RFC 2136 driver against real Knot DNS and real BIND: values of others, races, and errors that name cause and fix."""
import json
import os
import socket
import subprocess

import pytest

from dns_servers import Bind, Knot, ttl, values
from harness import Stage, free_port, write
from provider_calls import Calls, configure

ZONE = "example.test"
NAME = f"_validation-persist.www.{ZONE}"
OURS = '"ca.test;accounturi=https://ca.test/acct/1"'
FOREIGN = ['"with spaces; and = signs"', '"say \\"hi\\" \\\\ back"', '"caf\\195\\169"', '"two" "strings"',
           '"' + "x" * 255 + '" "' + "y" * 45 + '"']
RECORDS = ["www A 127.0.0.1", "deleg NS ns.elsewhere.test.", "alias CNAME target.elsewhere.test.", "tree DNAME else.test.",
           '*.wild TXT "synthesised"', "*.wildc CNAME target.elsewhere.test.", "data.wild A 127.0.0.1"]


@pytest.fixture(scope="module", params=["knot", "bind"])
def server(request):
    with Stage() as stage:
        yield {"knot": Knot, "bind": Bind}[request.param](stage, {ZONE: RECORDS})


@pytest.fixture
def calls(server):
    c = Calls(configure(server.stage, server.entry()))
    yield c
    assert server.secret not in c.output


def test_values_of_others(server, calls):
    for i, foreign in enumerate(FOREIGN):
        name = f"_v.f{i}.{ZONE}"
        server.nsupdate(f"update add {name}. 600 TXT {foreign}")
        assert calls.ensure(name, "TXT", 0, "+" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == sorted([foreign, OURS])
        assert ttl(server.port, name) == {600}
        assert calls.ensure(name, "TXT", 0, "+" + OURS)["outcome"] == "unchanged"
        # A new TTL writes all values anew: those of others as they were.
        assert calls.ensure(name, "TXT", 1200, "+" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == sorted([foreign, OURS])
        assert ttl(server.port, name) == {1200}
        assert calls.ensure(name, "TXT", 0, "-" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == [foreign]
        assert calls.ensure(name, "TXT", 0, "-" + foreign)["values"] == []
        assert values(server.port, name) == []


def test_long_value(server, calls):
    long = "z" * 700
    answer = calls.ensure(f"_v.long.{ZONE}", "TXT", 300, f'+"{long}"')
    assert answer["outcome"] == "changed"
    assert values(server.port, f"_v.long.{ZONE}") == [" ".join(f'"{long[i:i + 255]}"' for i in range(0, 700, 255))]


def test_other_types(server, calls):
    name = f"_acme-challenge.www.{ZONE}"
    a, b = calls.run(("ensure", name, "CNAME", 300, "+one.elsewhere.test."),
                     ("ensure", name, "CNAME", 300, "+two.elsewhere.test.", "-one.elsewhere.test."))
    assert (a["outcome"], b["outcome"], b["values"]) == ("changed", "changed", ["two.elsewhere.test."])
    assert values(server.port, name, "CNAME") == ["two.elsewhere.test."]
    assert calls.ensure(name, "CNAME", 300, "+three.elsewhere.test.")["cause"] == "cname"
    assert calls.ensure(name, "CNAME", 300, "-two.elsewhere.test.")["values"] == []
    caa = calls.ensure(f"www.{ZONE}", "CAA", 300, '+0 issue "ca.test; accounturi=https://ca.test/acct/1"', '+128 iodef "mailto:a@b.test"')
    assert caa["outcome"] == "changed"
    assert len(values(server.port, f"www.{ZONE}", "CAA")) == 2


def test_somebody_is_quicker(server, calls):
    """Between reading and writing somebody adds, changes or removes a value: nothing is written."""
    name = f"_v.race.{ZONE}"
    config = calls.argv[-2]
    for before, meanwhile in (([], [f'update add {name}. 300 TXT "new"']),
                              (['"a"'], [f'update add {name}. 300 TXT "new"']),
                              (['"a"', '"b"'], [f'update delete {name}. TXT "b"']),
                              (['"a"'], [f'update delete {name}. TXT'])):
        server.nsupdate(f"update delete {name}. TXT", *[f"update add {name}. 300 TXT {v}" for v in before])
        racing = Calls(config)
        # The tool reads, waits for us at the pipe, then changes what it has read.
        p = subprocess.Popen(racing.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        p.stdin.write(f"read\t{name}\tTXT\n")
        p.stdin.flush()
        assert sorted(json.loads(p.stdout.readline())["values"]) == sorted(before)
        server.nsupdate(*meanwhile)
        there = values(server.port, name)
        p.stdin.write(f"change\t{name}\tTXT\t300\t+{OURS}\n")
        p.stdin.close()
        answer = json.loads(p.stdout.readline())
        p.wait(20)
        assert answer["outcome"] == "lost"
        assert values(server.port, name) == there
    server.nsupdate(f"update delete {name}. TXT")


def test_three_writers_at_once(server, calls):
    """Two processes of ours and nsupdate, all at one name: every value that was not taken back is there at the end."""
    name, n = f"_v.many.{ZONE}", 12
    config = calls.argv[-2]
    first = Calls(config).start(*[("ensure", name, "TXT", 300, f'+"a{i}"') for i in range(n)],
                                *[("ensure", name, "TXT", 300, f'-"a{i}"') for i in range(0, n, 2)])
    second = Calls(config).start(*[("ensure", name, "TXT", 300, f'+"b{i}"') for i in range(n)])
    for i in range(n):
        server.nsupdate(f'update add {name}. 300 TXT "c{i}"')
    answers = [json.loads(line) for p in (first, second) for line in p.communicate(timeout=60)[0].splitlines()]
    assert len(answers) == 2 * n + n // 2
    assert [a for a in answers if a["outcome"] != "changed"] == []
    wanted = [f'"a{i}"' for i in range(1, n, 2)] + [f'"{x}{i}"' for x in "bc" for i in range(n)]
    assert values(server.port, name) == sorted(wanted)
    server.nsupdate(f"update delete {name}. TXT")


def test_in_the_way(server, calls):
    cname, below, dname, zone = calls.run(("ensure", f"alias.{ZONE}", "TXT", 300, "+" + OURS),
                                          ("ensure", f"_v.x.deleg.{ZONE}", "TXT", 300, "+" + OURS),
                                          ("ensure", f"_v.x.tree.{ZONE}", "TXT", 300, "+" + OURS),
                                          ("zone", "_v.www.other.test"))
    assert cname["cause"] == "cname" and "target.elsewhere.test" in cname["message"] and "remove the CNAME" in cname["hint"]
    assert below["cause"] == "delegated" and f"deleg.{ZONE}" in below["message"] and "provider that hosts" in below["hint"]
    assert dname["cause"] == "cname" and "DNAME" in dname["message"]
    assert zone["cause"] == "no-zone" and "primary server" in zone["hint"]
    # Beside other data no CNAME: servers say NOERROR and pass over it.
    data = calls.ensure(f"www.{ZONE}", "CNAME", 300, "+x.elsewhere.test.")
    assert data["cause"] == "cname" and "other records" in data["message"]
    # A name below a delegation, when the zone is given and not looked for.
    given = Calls(configure(server.stage, server.entry(zones=[ZONE])))
    assert given.ensure(f"_v.x.deleg.{ZONE}", "TXT", 300, "+" + OURS)["cause"] == "delegated"
    assert given.one("zone", "_v.www.other.test")["cause"] == "no-zone"


def test_wildcards_make_nothing_up(server, calls):
    """What a wildcard synthesises is not there to be compared with; a record of one's own goes beside it."""
    for name in (f"_v.wild.{ZONE}", f"_v.wildc.{ZONE}"):
        assert calls.run(("zone", name), ("read", name, "TXT"))[1]["values"] == []
        assert calls.ensure(name, "TXT", 300, "+" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == [OURS]
        assert calls.ensure(name, "TXT", 300, "-" + OURS)["outcome"] == "changed"


def test_keys(server, calls):
    """Wrong secret, unknown name, none at all: the cause and what to compare."""
    folder = server.stage.folder("keys")
    secret = "d3JvbmcgY2FuYXJ5IHNlY3JldCB3cm9uZyBzZWNyZXQ="
    wrong = write(os.path.join(folder, "wrong"), f"hmac-sha256:{server.key_name}:{secret}", 0o600)
    unknown = write(os.path.join(folder, "unknown"), f"hmac-sha256:nobody:{secret}", 0o600)
    other = write(os.path.join(folder, "other"), f"hmac-sha512:{server.key_name}:{server.secret}", 0o600)
    for file, words in ((wrong, "another secret"), (unknown, 'no key "nobody"'), (other, "algorithm")):
        c = Calls(configure(server.stage, server.entry(tsig={"file": file})))
        answer = c.one("zone", NAME)
        assert (answer["kind"], answer["cause"]) == ("provider", "key"), answer
        assert words in answer["hint"] + answer["message"]
        assert secret not in c.output and server.secret not in c.output
    entry = server.entry()
    del entry["tsig"]
    answer = Calls(configure(server.stage, entry)).ensure(NAME, "TXT", 300, "+" + OURS)
    assert answer["cause"] == "policy" and "not signed" in answer["hint"]
    assert values(server.port, NAME) == []


@pytest.mark.parametrize("offset", ["+3600s", "-3600s"])
def test_clock(server, offset):
    c = Calls(configure(server.stage, server.entry()), wrap=("env", "ASAN_OPTIONS=verify_asan_link_order=0", "faketime", "-f", offset))
    answer = c.one("zone", NAME)
    assert answer["cause"] == "clock"
    assert ("ahead of" if offset[0] == "+" else "behind") + " the server's" in answer["hint"]
    assert "36" in answer["hint"]


@pytest.mark.parametrize("algorithm", ["hmac-sha1", "hmac-sha384", "hmac-sha512"])
@pytest.mark.parametrize("kind", [Knot, Bind])
def test_algorithms(kind, algorithm):
    with Stage() as stage:
        server = kind(stage, {ZONE: RECORDS}, algorithm=algorithm)
        c = Calls(configure(stage, server.entry()))
        assert c.ensure(NAME, "TXT", 300, "+" + OURS)["outcome"] == "changed"
        assert values(server.port, NAME) == [OURS]


@pytest.mark.parametrize("kind", [Knot, Bind])
def test_policy(kind):
    """A key that may change one name only: that works, another is refused as such and not as a bad key."""
    acl = f"""acl:
  - id: perdure
    key: perdure-key.
    action: [query, update]
    update-type: [TXT]
    update-owner: name
    update-owner-match: equal
    update-owner-name: [{NAME}.]
"""
    rule = {"acl": acl} if kind is Knot else {"policy": f"grant perdure-key name {NAME}. TXT;"}
    with Stage() as stage:
        server = kind(stage, {ZONE: RECORDS}, **rule)
        c = Calls(configure(stage, server.entry()))
        good, other = c.run(("ensure", NAME, "TXT", 300, "+" + OURS), ("ensure", f"_v.mail.{ZONE}", "TXT", 300, "+" + OURS))
        assert good["outcome"] == "changed"
        assert other["cause"] == "policy" and "provider policy edge" in other["hint"]
        assert values(server.port, f"_v.mail.{ZONE}") == []


def test_nobody_there():
    with Stage() as stage:
        port = free_port()
        key = write(os.path.join(stage.dir, "key"), "hmac-sha256:k:c2VjcmV0", 0o600)
        entry = {"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{port}", "tsig": {"file": key}}
        answer = Calls(configure(stage, entry)).one("zone", NAME)
        assert answer["kind"] == "network" and "refused" in answer["message"].lower()
        # A server that closes without a word, and one that answers nonsense.
        with socket.create_server(("127.0.0.1", port)) as listener:
            c = Calls(configure(stage, entry))
            p = c.start(("zone", NAME))
            for reply in (b"", b"\x00\x0cnot an answer"):
                peer, _ = listener.accept()
                with peer:
                    peer.recv(600)
                    peer.sendall(reply)
                if not reply:
                    assert json.loads(p.communicate(timeout=20)[0])["kind"] == "network"
                    p = c.start(("zone", NAME))
            assert json.loads(p.communicate(timeout=20)[0])["kind"] == "protocol"
