"""
Views against real Knot servers: every kind of answer, chains of aliases, delegations from a root of our own.
"""
import os
import signal
import socket
import subprocess
import time

import dns.flags
import dns.message
import pytest

from dnsview import HINT, IPS, NAME, TOOL, by_address, free_port, port53, stub, view, view1

# --- Knot -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def knot(tmp_path):
    """knot(zones, ip, port) starts a knotd; zones: {zone name ("" the root): lines relative to it}."""
    running = []

    def start(zones, ip="127.0.0.1", port=None, extra=""):
        port = port or free_port(ip)
        folder = tmp_path / f"knot{len(running)}"
        folder.mkdir()
        conf = f'server:\n  rundir: "{folder}"\n  listen: "{ip}@{port}"\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n'
        conf += f'database:\n  storage: "{folder}"\nlog:\n  - target: stdout\n    any: info\n{extra}'
        conf += f'template:\n  - id: default\n    storage: "{folder}"\n    zonefile-sync: -1\n    semantic-checks: off\nzone:\n'
        for zone, lines in zones.items():
            (folder / f"{zone or 'root'}.zone").write_text(
                f"$ORIGIN {zone}.\n$TTL 300\n@ SOA ns.invalid. host.invalid. 1 3600 600 86400 5\n" + "\n".join(lines) + "\n")
            conf += f'  - domain: "{zone or "."}"\n    file: "{zone or "root"}.zone"\n'
        (folder / "knot.conf").write_text(conf)
        with open(folder / "log", "wb") as log:
            p = subprocess.Popen(["/usr/sbin/knotd", "-c", str(folder / "knot.conf")], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, start_new_session=True)
        running.append(p)
        end = time.monotonic() + 20
        for zone in zones:
            while not serves(ip, port, zone):
                assert p.poll() is None and time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.02)
        return port

    yield start
    for p in running:
        p.terminate()
    for p in running:
        try:
            p.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait(5)


def serves(ip, port, zone):
    q = dns.message.make_query(zone + ".", "SOA")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.5)
        s.connect((ip, port))
        try:
            s.send(q.to_wire())
            r = dns.message.from_wire(s.recv(65535))
        except OSError:
            return False
    return r.rcode() == 0 and bool(r.flags & dns.flags.AA)


def test_found_nodata_nxdomain(knot):
    port = knot({"example.test": ['_validation-persist.www 60 TXT "ca.test;accounturi=https://ca.test/1" "second"',
                                  '_validation-persist.www 60 TXT "another"', "_validation-persist.bare A 127.0.0.1",
                                  'a.empty TXT "x"', 'octets TXT "\\000\\255;\\"\\\\"']})
    got = view(*stub(port), names=(NAME, "_validation-persist.bare.example.test", "empty.example.test",
                                   "no.example.test", "octets.example.test"))
    assert got[0]["any"] == "found" and got[0]["agree"] and got[0]["error"] == "" and got[0]["chain"] == []
    a = got[0]["answers"][0]
    assert a["txt"] == [["another"], ["ca.test;accounturi=https://ca.test/1", "second"]]
    assert (a["ttl"], a["tcp"], a["address"], a["text"]) == (60, False, f"127.0.0.1@{port}", "")
    assert [v["any"] for v in got[1:]] == ["nodata", "nodata", "nxdomain", "found"]
    assert got[4]["answers"][0]["txt"] == [["\0\xff;\"\\"]]
    assert {v["zone"] for v in got} == {"example.test"}


def chain_zone(hops, last='TXT "end"'):
    return [f"c{i} CNAME c{i + 1}" for i in range(hops)] + [f"c{hops} {last}"]


@pytest.mark.parametrize("hops", [1, 2, 9])
def test_chain(knot, hops):
    v = view1(*stub(knot({"example.test": chain_zone(hops)})), names=("c0.example.test",))
    assert v["any"] == "found" and v["error"] == "" and v["answers"][0]["txt"] == [["end"]]
    assert v["chain"] == [f"c{i}.example.test" for i in range(1, hops + 1)]
    assert [(h["owner"], h["target"], h["kind"], h["zone"]) for h in v["hops"]] == [
        (f"c{i}.example.test", f"c{i + 1}.example.test", "CNAME", "example.test") for i in range(hops)]


@pytest.mark.parametrize("hops", [10, 12])
def test_chain_too_long(knot, hops):
    v = view1(*stub(knot({"example.test": chain_zone(hops)})), names=("c0.example.test",))
    assert v["error"] == "dns" and v["answers"] == [] and "more than 9" in v["message"]
    assert v["end"] == "too long" and [h["owner"] for h in v["hops"]] == [f"c{i}.example.test" for i in range(10)]


def test_chain_loops(knot):
    port = knot({"example.test": ["a CNAME b", "b CNAME c", "c CNAME a", "self CNAME self", 'w TXT "x"']})
    for name in ("a.example.test", "self.example.test"):
        v = view1(*stub(port), names=(name,))
        assert v["error"] == "dns" and v["answers"] == [] and "circle" in v["message"] and v["end"] == "loop" and v["hops"][-1]["target"] == name
    assert "a.example.test to b.example.test to c.example.test to a.example.test" in view1(*stub(port), names=("a.example.test",))["message"]


def test_chain_into_other_zone_and_to_nothing(knot):
    one = knot({"example.test": ["_validation-persist.www CNAME www.vals.test.", "gone CNAME no.vals.test."]})
    two = knot({"vals.test": ['www TXT "there"']})
    got = view(*stub(one), *stub(two, "vals.test"), names=(NAME, "gone.example.test"))
    assert got[0]["any"] == "found" and got[0]["zone"] == "vals.test" and got[0]["chain"] == ["www.vals.test"]
    assert [a["address"] for a in got[0]["answers"]] == [f"127.0.0.1@{two}"]
    assert got[1]["any"] == "nxdomain" and got[1]["chain"] == ["no.vals.test"] and got[1]["error"] == ""


def test_dname(knot):
    port = knot({"example.test": ["_validation-persist DNAME vals.example.test.", 'www.vals TXT "through"']})
    v = view1(*stub(port), names=("www._validation-persist.example.test",))
    assert v["any"] == "found" and v["chain"] == ["www.vals.example.test"] and v["answers"][0]["txt"] == [["through"]]
    hop = v["hops"][0]
    assert (hop["kind"], hop["dname"], hop["owner"], hop["ttl"]) == (
        "DNAME", "_validation-persist.example.test", "www._validation-persist.example.test", 300)


def test_large_answer_over_tcp(knot):
    lines = [f'_validation-persist.www TXT "{i:03d}{"x" * 250}"' for i in range(100)]
    v = view1(*stub(knot({"example.test": lines})))
    assert v["any"] == "found" and v["answers"][0]["tcp"] and len(v["answers"][0]["txt"]) == 100


# --- delegations from a root of our own ------------------------------------------------------------------------------------


@pytest.fixture
def tree(knot):
    """A root, two top-level domains and servers below them, each at port 53 of its address."""

    def start(test_zone, one, two=None, three=None, far=()):
        knot({"": [f"test NS ns.test.\nns.test. A {IPS['tld']}", f"far NS ns.test."]}, IPS["root"], 53)
        knot({"test": ["@ NS ns", f"ns A {IPS['tld']}", *test_zone], "far": ["@ NS ns.test.", *far]}, IPS["tld"], 53)
        for ip, zones in ((IPS["one"], one), (IPS["two"], two), (IPS["three"], three)):
            if zones:
                knot(zones, ip, 53)

    return start


@port53
def test_delegation(tree):
    zone = ["@ NS ns1", "@ NS ns2.hosting.test.", "@ NS ns3.isp.far.", f"ns1 A {IPS['one']}", '_validation-persist.www TXT "v"',
            "_validation-persist.alias CNAME x.vals.test.", "_validation-persist.deep.sub TXT q"]
    tree(["example NS ns1.example.test.", "example NS ns2.hosting.test.", "example NS ns3.isp.far.", f"ns1.example A {IPS['one']}",
          "hosting NS ns1.hosting.test.", f"ns1.hosting A {IPS['two']}", "vals NS ns1.hosting.test."],
         one={"example.test": zone},
         two={"example.test": zone, "hosting.test": ["@ NS ns1", f"ns1 A {IPS['two']}", f"ns2 A {IPS['two']}"],
              "vals.test": ["@ NS ns1.hosting.test.", 'x TXT "far away"'], },
         three={"example.test": zone, "isp.far": ["@ NS ns1", f"ns1 A {IPS['three']}", f"ns3 A {IPS['three']}"]},
         far=["isp NS ns1.isp.far.", f"ns1.isp A {IPS['three']}"])
    names = (NAME, "_validation-persist.alias.example.test", "_validation-persist.none.example.test", "_v.nosuch.test",
             "_v.other.nosuch.test", "_v.nosuchtld")
    got = view(*HINT, names=names)
    for v in got:
        assert v["error"] == "" and v["agree"], v
    assert got[0]["zone"] == "example.test"
    assert {a["address"]: (a["server"], a["result"]) for a in got[0]["answers"]} == {
        IPS["one"]: ("ns1.example.test", "found"), IPS["two"]: ("ns2.hosting.test", "found"),
        IPS["three"]: ("ns3.isp.far", "found")}
    assert got[1]["zone"] == "vals.test" and got[1]["answers"][0]["txt"] == [["far away"]]
    assert (got[2]["any"], got[2]["zone"], len(got[2]["answers"])) == ("nxdomain", "example.test", 3)
    assert [(v["any"], v["zone"], len(v["answers"])) for v in got[3:]] == [
        ("nxdomain", "test", 1), ("nxdomain", "test", 1), ("nxdomain", "", 1)]


@port53
def test_child_zone_at_the_parents_servers(tree):
    """A zone cut that no referral shows: one server has both zones, and the child has a server more."""
    child = ["@ NS ns1.example.test.", "@ NS ns2.example.test.", '_validation-persist.www TXT "child"']
    tree(["example NS ns1.example.test.", f"ns1.example A {IPS['one']}"],
         one={"example.test": ["@ NS ns1", f"ns1 A {IPS['one']}", f"ns2 A {IPS['two']}", "sub NS ns1", "sub NS ns2"],
              "sub.example.test": child},
         two={"sub.example.test": child})
    v = view1(*HINT, names=("_validation-persist.www.sub.example.test",))
    assert v["zone"] == "sub.example.test" and set(by_address(v)) == {IPS["one"], IPS["two"]}
    assert all(a["result"] == "found" for a in v["answers"])


@port53
def test_delegation_below_a_stub(tree):
    tree(["example NS ns1.example.test.", f"ns1.example A {IPS['one']}", 'here TXT "of the stub"'],
         one={"example.test": ["@ NS ns1", f"ns1 A {IPS['one']}", '_validation-persist.www TXT "v"']})
    got = view(*stub(53, "test", IPS["tld"]), names=(NAME, "here.test"))
    assert got[0]["any"] == "found" and got[0]["zone"] == "example.test" and list(by_address(got[0])) == [IPS["one"]]
    assert got[1]["any"] == "found" and list(by_address(got[1])) == [IPS["tld"]]


@port53
def test_broken_delegations(tree):
    tree(["noglue NS ns.noglue.test.", "left NS ns.right.test.", "right NS ns.left.test.", "hostless NS ns.nosuch.test.",
          "lame NS ns.lame.test.", f"ns.lame A {IPS['one']}", "dead NS ns.dead.test.", f"ns.dead A {IPS['dead']}",
          "half NS ns.half.test.", f"ns.half A {IPS['one']}", "half NS ns.dead.test.", "half NS ns.nosuch.test."],
         one={"half.test": ["@ NS ns", f"ns A {IPS['one']}", '_v TXT "half"']})
    zones = ("noglue", "left", "right", "hostless", "lame", "dead", "half")
    got = dict(zip(zones, view(*HINT, "--timeout", 300, names=[f"_v.{z}.test" for z in zones])))
    for z in ("noglue", "left", "right", "hostless"):
        assert got[z]["error"] == "dns" and got[z]["answers"] == [] and "has an address" in got[z]["message"], got[z]
    assert [a["result"] for a in got["lame"]["answers"]] == ["failed"] and got["lame"]["error"] == ""
    assert [a["result"] for a in got["dead"]["answers"]] == ["timeout"] and got["dead"]["any"] == ""
    results = {a["server"]: a["result"] for a in got["half"]["answers"]}
    assert results == {"ns.half.test": "found", "ns.dead.test": "timeout", "ns.nosuch.test": "failed"}
    assert got["half"]["any"] == "found" and got["half"]["agree"]


# --- none -------------------------------------------------------------------------------------------------------------------


def test_none():
    v = view1("--none")
    assert not v["looked"] and v["answers"] == [] and v["error"] == ""


@pytest.mark.parametrize("args", [("--hint", "host.example"), ("--stub", "x", "192.0.2.1@0", 0), ("--resolver", "192.0.2.1@x"),
                                  ("--stub", "x", "192.0.2.1@65536", 0), ("--hint", "192.0.2.256")])
def test_bad_addresses(args):
    p = subprocess.run([TOOL, *map(str, args), "a.b"], capture_output=True, text=True, timeout=20, check=False)
    assert p.returncode == 1 and args[-1 if args[0] != "--stub" else 2] in p.stderr and "hint:" in p.stderr


def test_odd_names():
    """A name that cannot be asked for is an error in the answer, not an end of everything."""
    v = view1("--stub", "", "127.0.0.1", free_port(), "--timeout", 200, names=("a" * 64 + ".example.test",))
    assert v["answers"][0]["result"] == "failed" and "no domain name" in v["answers"][0]["text"]
