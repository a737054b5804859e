"""
Views of servers that lie, stall and send rubbish, of servers that do not agree, and of resolvers; how much servers are asked.
"""
import random
import socket
import struct
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from dnsview import HINT, IPS, NAME, TOOL, Servers, by_address, free_port, good, port53, referral, stubs, truncated, view, view1
from small_servers import answer, framed


@pytest.fixture
def server():
    made = Servers()
    yield made
    made.close()


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


def test_ports_change(server):
    """No port serves for long, and a second try never comes from the port of the first."""
    asked = {}

    def udp(q, wire):
        asked.setdefault(q.question[0].name, []).append(s.peer[1])
        return good(q, wire) if len(asked) > 40 or len(asked[q.question[0].name]) > 1 else []
    s = server(udp)
    view(*stubs(s), "--timeout", 300, "--per-server", 8, names=[f"n{i}.example.test" for i in range(640)], limit=60)
    twice = [ports for ports in asked.values() if len(ports) > 1]
    assert len(twice) >= 8 and all(len(set(ports)) == len(ports) for ports in twice)
    ports = [p for ports in asked.values() for p in ports]
    assert len(set(ports)) >= 10 and max(map(ports.count, set(ports))) <= 64


def test_one_bad_packet_does_not_harm_the_others(server):
    """Questions share sockets: a damaged answer to one of them is the trouble of that one."""
    def udp(q, wire):
        return cut_everywhere(q, wire) if "bad" in q.question[0].to_text() else good(q, wire)
    names = [f"{'bad' if i % 10 == 0 else 'fine'}{i}.example.test" for i in range(200)]
    got = view(*stubs(server(udp)), names=names)
    assert [v["any"] for v in got] == ["" if i % 10 == 0 else "found" for i in range(200)]


def test_a_server_that_says_all_twice(server):
    names = [f"n{i}.example.test" for i in range(300)]
    s = server(lambda q, w: good(q, w) * 2)
    assert all(v["any"] == "found" and not v["answers"][0]["tcp"] for v in view(*stubs(s), names=names)) and s.tcp_asked == 0


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
    # Where no IPv6 address says anything at all, it may be this host.
    v = view1("--stub", "example.test", f"{fine.address},fe80::1@53,2001:db8::1@53", 0, "--timeout", 300)
    assert [a["health"] for a in v["answers"]] == ["ok", "no-ipv6", "no-ipv6"], v


# --- how often is asked on the way -------------------------------------------------------------------------------------------


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


# --- resolvers --------------------------------------------------------------------------------------------------------------


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
