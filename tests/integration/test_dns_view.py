"""
Views of TXT records: against real Knot servers (chains of CNAMEs, delegations from a root of our own) and against servers that
lie, stall and send rubbish. The program under test is dnsview_tool; its output is one JSON object per name.
"""
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from small_servers import DnsServer, answer, framed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.dirname(os.environ["PERDURE_BIN"]) if os.environ.get("PERDURE_BIN") else os.path.join(ROOT, "build")
TOOL = os.path.join(os.path.abspath(BUILD), "tests/integration/dnsview_tool")
NAME = "_validation-persist.www.example.test"


def view(*args, names=(NAME,), limit=30):
    """The views of the names, in their order. The tool must end by itself, well, and without a sanitizer's report."""
    p = subprocess.run([TOOL, *map(str, args), *names], capture_output=True, text=True, timeout=limit, check=False)
    assert p.returncode == 0 and p.stderr == "", p.stderr[-4000:]
    found = {v["owner"]: v for v in map(json.loads, p.stdout.splitlines())}
    assert len(found) == len(set(names))
    return [found[n] for n in names]


def view1(*args, **kw):
    return view(*args, **kw)[0]


def by_address(v):
    return {a["address"]: a for a in v["answers"]}


def free_port(ip="127.0.0.1"):
    for _ in range(200):
        port = random.randrange(15000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            try:
                t.bind((ip, port))
                u.bind((ip, port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


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


def stub(port, zone="example.test", ip="127.0.0.1"):
    return ("--stub", zone, ip, port)


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


@pytest.mark.parametrize("hops", [1, 2, 10])
def test_chain(knot, hops):
    v = view1(*stub(knot({"example.test": chain_zone(hops)})), names=("c0.example.test",))
    assert v["any"] == "found" and v["error"] == "" and v["answers"][0]["txt"] == [["end"]]
    assert v["chain"] == [f"c{i}.example.test" for i in range(1, hops + 1)]


@pytest.mark.parametrize("hops", [11, 12])
def test_chain_too_long(knot, hops):
    v = view1(*stub(knot({"example.test": chain_zone(hops)})), names=("c0.example.test",))
    assert v["error"] == "dns" and v["answers"] == [] and "more than 10" in v["message"]


def test_chain_loops(knot):
    port = knot({"example.test": ["a CNAME b", "b CNAME c", "c CNAME a", "self CNAME self", 'w TXT "x"']})
    for name in ("a.example.test", "self.example.test"):
        v = view1(*stub(port), names=(name,))
        assert v["error"] == "dns" and v["answers"] == [] and "circle" in v["message"]


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


def test_large_answer_over_tcp(knot):
    lines = [f'_validation-persist.www TXT "{i:03d}{"x" * 250}"' for i in range(100)]
    v = view1(*stub(knot({"example.test": lines})))
    assert v["any"] == "found" and v["answers"][0]["tcp"] and len(v["answers"][0]["txt"]) == 100


# --- delegations from a root of our own ------------------------------------------------------------------------------------

IPS = {k: f"127.0.53.{i}" for i, k in enumerate(["root", "tld", "one", "two", "three", "dead"], 1)}


def can_port_53():
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((IPS["root"], 53))
        return True
    except OSError:
        return False


port53 = pytest.mark.skipif(not can_port_53(), reason="needs port 53 of 127.0.53.0/24")
HINT = ("--hint", IPS["root"])


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


# --- servers that misbehave -------------------------------------------------------------------------------------------------


@pytest.fixture
def server():
    made = []

    def make(udp=None, tcp=None, **where):
        made.append(DnsServer(udp, tcp, **where))
        return made[-1]

    yield make
    for s in made:
        s.close()


def good(q, wire):
    return [answer(q).to_wire()]


def stubs(*servers):
    return ("--stub", "example.test", ",".join(s.address for s in servers), 0)


def truncated(q, wire):
    return [answer(q, tc=True, rr=False).to_wire()]


def other_question(q, wire):
    other = dns.message.make_query("other.example.test", "TXT")
    other.id = q.id
    return [answer(other, "poison").to_wire()]


def cut_everywhere(q, wire):
    """A good answer cut off somewhere in its record."""
    return [answer(q).to_wire()[:-3]]


def lying_counts(q, wire):
    p = bytearray(answer(q).to_wire())
    p[6:8] = b"\xff\xff"
    return [bytes(p)]


def pointer_loop(q, wire):
    p = bytearray(answer(q, rr=False).to_wire())
    p[6:8] = b"\0\1"
    p[10:12] = b"\0\0"
    end = 12 + len(q.question[0].name.to_wire()) + 4
    return [bytes(p[:end]) + struct.pack(">H", 0xC000 | end) + b"\0\x10\0\1\0\0\0\1\0\2\1x"]


def loop_cname(q, wire):
    r = answer(q, rr=False)
    r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", q.question[0].name.to_text()))
    return [r.to_wire()]


def upward(q, wire):
    r = answer(q, aa=False, rr=False)
    r.authority.append(dns.rrset.from_text(".", 60, "IN", "NS", "a.root-servers.net."))
    return [r.to_wire()]


def cname_and_txt(q, wire):
    r = answer(q)
    r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", "x.example.test."))
    return [r.to_wire()]


RNG = random.Random(7)
BAD_UDP = {
    "wrong id": (lambda q, w: [answer(q, "poison", ident=q.id ^ 1).to_wire()], "timeout", "no answer"),
    "wrong question": (other_question, "timeout", "no answer"),
    "rubbish": (lambda q, w: [RNG.randbytes(RNG.randrange(0, 300)) for _ in range(5)], "timeout", "no answer"),
    "own question back": (lambda q, w: [w], "timeout", "no answer"),
    "silence": (None, "timeout", "no answer"),
    "header only": (lambda q, w: [w[:2] + b"\x84\0\0\0\0\0\0\0\0\0"], "timeout", "no answer"),
    "cut off": (cut_everywhere, "failed", "damaged"),
    "lying counts": (lying_counts, "failed", "damaged"),
    "pointer loop": (pointer_loop, "failed", "damaged"),
    "servfail": (lambda q, w: [answer(q, rcode=2, rr=False).to_wire()], "failed", "SERVFAIL"),
    "refused": (lambda q, w: [answer(q, rcode=5, rr=False).to_wire()], "failed", "REFUSED"),
    "notimp": (lambda q, w: [answer(q, rcode=4, rr=False).to_wire()], "failed", "NOTIMP"),
    "formerr without question": (lambda q, w: [w[:2] + b"\x80\1" + bytes(8)], "failed", "FORMERR"),
    "lame": (lambda q, w: [answer(q, aa=False).to_wire()], "failed", "lame"),
    "refers up": (upward, "failed", "lame"),
    "cname and txt": (cname_and_txt, "failed", "CNAME and other"),
}


@pytest.mark.parametrize("kind", BAD_UDP)
def test_one_bad_server_among_good_ones(server, kind):
    udp, result, words = BAD_UDP[kind]
    bad, one, two = server(udp), server(good), server(good)
    v = view1(*stubs(one, bad, two), "--timeout", 300)
    a = by_address(v)
    assert v["any"] == "found" and v["agree"] and v["error"] == ""
    assert a[one.address]["txt"] == a[two.address]["txt"] == [["good"]]
    assert a[bad.address]["result"] == result and words in a[bad.address]["text"] and a[bad.address]["txt"] == []
    alone = view1(*stubs(bad), "--timeout", 300)
    assert alone["any"] == "" and [x["result"] for x in alone["answers"]] == [result]


def test_cname_of_a_liar_to_itself(server):
    v = view1(*stubs(server(loop_cname)))
    assert v["error"] == "dns" and "circle" in v["message"]


def test_the_true_answer_after_false_ones(server):
    """Guessed answers before the true one are passed over."""
    def udp(q, wire):
        return [answer(q, "poison", ident=(q.id + i) & 0xFFFF).to_wire() for i in range(1, 30)] + other_question(q, wire) + good(q, wire)
    v = view1(*stubs(server(udp)))
    assert v["answers"][0]["txt"] == [["good"]] and not v["answers"][0]["tcp"]


def test_a_flood_of_false_answers_leads_to_tcp(server):
    def udp(q, wire):
        return [answer(q, "poison", ident=(q.id + i) & 0xFFFF).to_wire() for i in range(1, 100)]
    v = view1(*stubs(server(udp, lambda q, c, stop: c.sendall(framed(answer(q).to_wire())))))
    assert v["answers"][0]["txt"] == [["good"]] and v["answers"][0]["tcp"]


def test_spoofed_source(server):
    """A right answer from another address than the one asked does not count."""
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.2", 0))
    s = server()

    def udp(q, wire):
        other.sendto(answer(q, "poison").to_wire(), s.peer)
        return []
    s.udp = udp
    v = view1(*stubs(s), "--timeout", 300)
    other.close()
    assert v["answers"][0]["result"] == "timeout" and s.asked == 2


def test_second_try_answers(server):
    s = server(lambda q, wire: good(q, wire) if s.asked > 1 else [])
    v = view1(*stubs(s), "--timeout", 300)
    assert v["any"] == "found" and s.asked == 2


def test_server_without_edns(server):
    s = server(lambda q, wire: good(q, wire) if q.edns < 0 else [answer(q, rcode=1, rr=False).to_wire()])
    assert view1(*stubs(s))["any"] == "found" and s.asked == 2


def drip(data, step=9, pause=0.01):
    def tcp(q, c, stop):
        wire = framed(data(q))
        for i in range(0, len(wire), step):
            if stop.wait(pause):
                return
            c.sendall(wire[i:i + step])
    return tcp


def endless(q, c, stop):
    while not stop.is_set():
        c.sendall(framed(answer(q, "poison", ident=q.id ^ 1).to_wire()) * 50)


def never_finishing(q, c, stop):
    c.sendall(framed(bytes(60000))[:100])
    while not stop.wait(0.1):
        c.sendall(b"\0")


def whole(q):
    return answer(q).to_wire()


BAD_TCP = {
    "connection closed": (None, "failed", "closed"),
    "closed half way": (lambda q, c, stop: c.sendall(framed(whole(q))[:20]), "failed", "closed"),
    "length 0": (lambda q, c, stop: c.sendall(b"\0\0"), "failed", "0 octets"),
    "length 11": (lambda q, c, stop: c.sendall(b"\0\x0b" + bytes(11)), "failed", "11 octets"),
    "endless": (endless, "failed", "not to our question"),
    "never finishing": (never_finishing, "timeout", "TCP"),
    "silence": (lambda q, c, stop: stop.wait(10), "timeout", "TCP"),
    "64 KiB of rubbish": (lambda q, c, stop: c.sendall(framed(struct.pack(">H", q.id) + b"\x84\0" + b"\xff" * 65531)), "failed", "not to our"),
    "rubbish after the question": (
        lambda q, c, stop: c.sendall(framed(answer(q, rr=False).to_wire()[:6] + b"\xff\xff\xff\xff\xff\xff" + q.to_wire()[12:-11] + b"\xc0\x0c" * 9000)),
        "failed", "damaged"),
}


@pytest.mark.parametrize("kind", BAD_TCP)
def test_tcp_of_one_bad_server(server, kind):
    tcp, result, words = BAD_TCP[kind]
    bad, fine = server(truncated, tcp), server(truncated, drip(whole))
    v = view1(*stubs(bad, fine), "--timeout", 1000)
    a = by_address(v)
    assert a[fine.address]["result"] == "found" and a[fine.address]["tcp"] and a[fine.address]["txt"] == [["good"]]
    assert a[bad.address]["result"] == result and words in a[bad.address]["text"], a[bad.address]
    assert v["any"] == "found" and v["error"] == ""


def test_no_tcp_behind_a_truncated_answer(server):
    s = server(truncated)
    s.t.shutdown(socket.SHUT_RDWR)
    v = view1(*stubs(s))
    assert v["answers"][0]["result"] == "timeout" and "TCP" in v["answers"][0]["text"]


def test_disagreement(server):
    servers = [server(good), server(lambda q, w: [answer(q, "stale").to_wire()]),
               server(lambda q, w: [answer(q, rcode=3, rr=False).to_wire()]), server(good)]
    v = view1(*stubs(*servers))
    assert not v["agree"] and v["any"] == "found"
    assert [a["result"] for a in v["answers"]] == ["found", "found", "nxdomain", "found"]


def test_disagreement_on_the_way(server):
    """One server lacks the CNAME the other has: both are in the view."""
    def alias(q, wire):
        if q.question[0].name.to_text() != NAME + ".":
            return good(q, wire)
        r = answer(q, rr=False)
        r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", "x.example.test."))
        return [r.to_wire()]
    a, b = server(alias), server(lambda q, w: good(q, w) if "x.e" in q.question[0].to_text() else [answer(q, rcode=3, rr=False).to_wire()])
    v = view1(*stubs(a, b))
    assert v["chain"] == ["x.example.test"] and not v["agree"]
    assert [(x["address"], x["result"]) for x in v["answers"]] == [
        (a.address, "found"), (b.address, "found"), (b.address, "nxdomain")]
    assert NAME in v["answers"][2]["text"]


def test_deadline_ends_it(server):
    dead, fine = server(), server(good)
    v = view1(*stubs(dead, fine), "--timeout", 60000, "--deadline", 700, limit=20)
    a = by_address(v)
    assert v["any"] == "found" and a[dead.address]["result"] == "timeout" and "deadline" in a[dead.address]["text"]


def test_deadline_while_walking(server):
    v = view1("--hint", server().address, "--timeout", 60000, "--deadline", 500, limit=20)
    assert v["error"] == "timeout" and v["answers"] == [] and "within 0.5 s" in v["message"]


def test_a_dead_server_is_asked_a_few_times_only(server):
    """3000 names, one of two servers dead: it costs one wait, and every view has an answer and reports it."""
    dead, fine = server(), server(good)
    names = [f"_validation-persist.n{i}.example.test" for i in range(3000)]
    got = view(*stubs(dead, fine), "--timeout", 500, names=names, limit=60)
    for v in got:
        a = by_address(v)
        assert v["any"] == "found" and a[dead.address]["result"] == "timeout" and a[dead.address]["text"]
    assert dead.asked <= 40, dead.asked
    assert fine.asked < 3300


def test_lost_packets_are_not_a_dead_server(server):
    """What was silent for one name and answered others meanwhile is not held for dead."""
    s = server(lambda q, w: [] if "lost" in q.question[0].to_text() else time.sleep(0.01) or good(q, w))
    names = ["lost.example.test"] + [f"n{i}.example.test" for i in range(150)]
    got = view(*stubs(s), "--timeout", 300, "--per-server", 2, names=names)
    assert got[0]["any"] == "" and [v["any"] for v in got[1:]] == ["found"] * 150


def test_same_question_is_asked_once(server):
    s = server(lambda q, w: time.sleep(0.3) or good(q, w))
    p = subprocess.run([TOOL, *map(str, stubs(s)), "--repeat", "50", NAME], capture_output=True, text=True, timeout=20, check=True)
    assert len(p.stdout.splitlines()) == 50 and s.asked == 1


def test_limit_per_server(server):
    now = [0, 0]
    lock = threading.Lock()

    def tcp(q, c, stop):
        with lock:
            now[0] += 1
            now[1] = max(now)
        stop.wait(0.1)
        with lock:
            now[0] -= 1
        c.sendall(framed(whole(q)))
    names = [f"n{i}.example.test" for i in range(40)]
    got = view(*stubs(server(truncated, tcp)), "--per-server", 4, names=names)
    assert all(v["any"] == "found" for v in got) and 2 <= now[1] <= 4


def test_ipv6(server):
    """No IPv6 server there, or no IPv6 at all: reported, and the rest stands."""
    fine = server(good)
    v = view1("--stub", "example.test", f"{fine.address},::1@{free_port()},fe80::1@53", 0, "--timeout", 300)
    assert v["any"] == "found" and [a["result"] for a in v["answers"]] == ["found", "timeout", "timeout"]
    assert all(a["text"] for a in v["answers"][1:])


# --- how often is asked on the way -------------------------------------------------------------------------------------------


def referral(q, zone, host, ip):
    r = answer(q, aa=False, rr=False)
    r.authority.append(dns.rrset.from_text(zone, 300, "IN", "NS", host))
    if ip:
        r.additional.append(dns.rrset.from_text(host, 300, "IN", "A", ip))
    return [r.to_wire()]


def delegating(q, wire):
    """The server of test.: gives each zone below it to ns.isp.test, without its address for most."""
    name = q.question[0].name
    zone = ".".join(name.to_text().split(".")[-3:])
    return referral(q, zone, "ns.isp.test.", IPS["one"] if zone == "isp.test." else None)


def hosting(q, wire):
    """The server of all zones there: records everywhere, nothing below their apexes is a zone."""
    name, kind = q.question[0].name.to_text(), q.question[0].rdtype
    r = answer(q, rr=False)
    if kind == dns.rdatatype.A and name == "ns.isp.test.":
        r.answer.append(dns.rrset.from_text(name, 300, "IN", "A", IPS["one"]))
    elif kind == dns.rdatatype.TXT:
        r.answer.append(dns.rrset.from_text(name, 300, "IN", "TXT", '"v"'))
    else:
        r.authority.append(dns.rrset.from_text(".".join(name.split(".")[-3:]), 300, "IN", "SOA", "a. b. 1 2 3 4 5"))
    return [r.to_wire()]


@port53
def test_a_fleet_asks_the_registries_little(server):
    """300 zones with one name each, then 300 more names in them: the root is asked for the top-level domain, and that for each
    zone once."""
    root = server(lambda q, w: referral(q, "test.", "ns.test.", IPS["tld"]), ip=IPS["root"], port=53)
    tld = server(delegating, ip=IPS["tld"], port=53)
    host = server(hosting, ip=IPS["one"], port=53)
    names = [f"_validation-persist.{sub}.z{i}.test" for sub in ("a", "b") for i in range(300)]
    got = view(*HINT, names=names, limit=60)
    for v in got:
        assert v["any"] == "found" and v["zone"] == ".".join(v["owner"].split(".")[-2:]) and list(by_address(v)) == [IPS["one"]]
        assert v["answers"][0]["server"] == "ns.isp.test"
    # A little more than the least, for packets that a busy machine answers late.
    assert root.asked <= 4
    assert tld.asked <= 301 + 20  # the 300 zones, and isp.test
    assert host.asked <= 600 * 2 + 50  # for each name: where its zone begins, and the record


# --- resolvers, and none -----------------------------------------------------------------------------------------------------


def resolved(q, wire):
    """What a resolver says: the chain and its end, recursion available, no authority."""
    assert q.flags & dns.flags.RD
    r = answer(q, "end", aa=False, name="b.far.test.")
    r.flags |= dns.flags.RA
    r.answer.insert(0, dns.rrset.from_text("a.far.test.", 60, "IN", "CNAME", "b.far.test."))
    r.answer.insert(0, dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", "a.far.test."))
    return [r.to_wire()]


def test_resolvers(server):
    ok, refusing, not_one = server(resolved), server(BAD_UDP["refused"][0]), server(lambda q, w: [answer(q, rr=False, aa=False).to_wire()])
    args = [x for s in (ok, refusing, not_one) for x in ("--resolver", s.address)]
    v = view1(*args)
    assert v["any"] == "found" and v["chain"] == ["a.far.test", "b.far.test"]
    assert [a["result"] for a in v["answers"]] == ["found", "failed", "failed"] and v["answers"][0]["txt"] == [["end"]]


def test_resolver_chain_in_a_circle(server):
    def udp(q, wire):
        r = answer(q, rr=False, aa=False)
        r.flags |= dns.flags.RA
        r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", "a.far.test."))
        r.answer.append(dns.rrset.from_text("a.far.test.", 60, "IN", "CNAME", q.question[0].name.to_text()))
        return [r.to_wire()]
    v = view1("--resolver", server(udp).address)
    assert v["answers"][0]["result"] == "failed" and "circle" in v["answers"][0]["text"]


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
