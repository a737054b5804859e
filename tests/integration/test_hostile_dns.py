"""
Servers that send rubbish, lie, flood, stall and never finish, and `perdure check` between them. All servers of a kind are asked in one run,
which must end by itself with a word on every name, within the deadlines it promises (reported, not measured: the outer bound is generous).

The runs are made twice: with the program of $PERDURE_BIN (sanitized in `make test`, so that any wrong step shows), and without sanitizers
in an address space that would not hold much.
"""
import os
import random
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.rrset
import pytest

import harness
from dnstree import over_tcp
from dnstree_zones import ACCOUNT, ISSUER, THUMBPRINT
from harness import record_verdict
from hostile_packets import PACKETS, corpus, packet, rr, string
from small_servers import DnsServer, answer, framed, free_port_on
from test_scenarios import program

LABEL = "_validation-persist"
GOOD = f"{ISSUER};accounturi={ACCOUNT}"
WRONG = f"{ISSUER};accounturi=https://ca.test/acct/2"
OUTER = 90  # seconds that no run may take, whatever the machine does besides
SPACE = 128 << 20  # octets of address space of the program without sanitizers
HERE, THERE = "127.0.0.1", "127.0.0.2"


def good(q, _wire=b""):
    return [answer(q, GOOD).to_wire()]


def truncated(q, _wire=b""):
    return [answer(q, tc=True, rr=False).to_wire()]


@pytest.fixture(params=["sanitized", "in little memory"])
def run(request, stage):
    """run(names, dns=…) -> {name: answer}; the program must end well."""
    def go(names, dns_config):
        config = {"cas": [{"name": "ca", "directory": "https://ca.test/dir", "issuer": ISSUER, "level": 1,
                           "account": {"url": ACCOUNT, "thumbprints": [THUMBPRINT]}}],
                  "dns": {"timeout": "1s", "validate": False, **dns_config}}
        plain = request.param != "sanitized"
        p = harness.Perdure(stage, config, binary=harness.plain_path() if plain else None)
        wrap = ("prlimit", f"--as={SPACE}") if plain else ()
        done = p.run("check", *names, "--offline", "--json", timeout=OUTER, wrap=wrap)
        assert done.rc in (0, 5, 75) and done.err == "", done
        found = {a["name"]: a for a in done.lines()}
        assert len(found) == len(set(names))
        return found

    return go


def close_all(servers):
    """At once, not one after the other."""
    for s in servers:
        s.stop.set()
    for s in servers:
        s.close()


class Village:
    """Servers by zone: host("x", udp, tcp) serves x.test at 127.0.0.1, and with beside=True a good one does so at 127.0.0.2."""

    def __init__(self):
        self.servers = []
        self.stubs = []

    def host(self, zone, udp=None, tcp=None, beside=False, late=0):
        port = free_port_on([HERE, THERE])
        self.servers.append(DnsServer(udp, tcp, ip=HERE, port=port, late=late))
        if beside:
            self.servers.append(DnsServer(good, lambda q, c, stop: c.sendall(framed(good(q)[0])), ip=THERE, port=port))
        self.stubs.append({"zone": f"{zone}.test", "servers": [HERE, THERE] if beside else [HERE], "port": port})
        return self.servers[-2 if beside else -1]

    def dns(self, **more):
        return {"stubs": self.stubs, **more}

    def names(self):
        return [s["zone"] for s in self.stubs]

    def close(self):
        close_all(self.servers)


@pytest.fixture
def village():
    v = Village()
    yield v
    v.close()


def test_damaged_packets(village, run):
    """Each of them over UDP, over TCP, and beside a good server. What does not even look like the answer counts as none."""
    for word, make in PACKETS.items():
        village.host(f"udp-{word}", lambda q, _w, make=make: [make(q)[:65507]])
        village.host(f"tcp-{word}", truncated, lambda q, c, stop, make=make: c.sendall(framed(make(q))))
        village.host(f"two-{word}", lambda q, _w, make=make: [make(q)[:65507]], beside=True)
    found = run(village.names(), village.dns())
    for name, a in found.items():
        by = {s["address"].split("@")[0]: s for s in a["servers"]}
        bad = by[HERE]
        assert bad["valid"] is False and a["problem"] != "malformed", (name, a)
        if name == "udp-strings-of-octets.test" or name == "tcp-strings-of-octets.test":
            assert bad["result"] == "found" and record_verdict(a) == "refused", a  # well-formed, only odd
        elif not name.startswith("two-"):
            assert bad["result"] in ("failed", "timeout") and bad["reason"] and record_verdict(a) == "unknown", (name, a)
        else:
            assert by[THERE]["valid"] is True, (name, a)
            assert record_verdict(a) == ("refused" if bad["result"] == "found" else "accepted"), (name, a)
    assert "4096 records" in found["tcp-full-of-txt.test"]["servers"][0]["reason"]


def test_the_fuzzer_knows_them():
    folder = os.path.join(harness.ROOT, "tests/fuzz/corpus/dnsmessage")
    kept = {}
    for file in os.listdir(folder):
        if file.startswith("sent-"):
            with open(os.path.join(folder, file), "rb") as f:
                kept[file] = f.read()
    assert kept == corpus(), "run tests/integration/hostile_packets.py"


def test_random_damage(village, run):
    """A good answer with random octets changed, cut out and added, many times."""
    rng = random.Random(20261122)

    def udp(q, _wire):
        out = bytearray(good(q)[0])
        for _ in range(rng.randrange(1, 6)):
            i = rng.randrange(2, len(out))
            change = rng.randrange(3)
            if change == 0:
                out[i] = rng.randrange(256)
            elif change == 1:
                del out[i:i + rng.randrange(1, 9)]
            else:
                out[i:i] = rng.randbytes(rng.randrange(1, 9))
        return [bytes(out)]

    for i in range(8):
        village.host(f"mutants{i}", udp, lambda q, c, stop: c.sendall(framed(udp(q, b"")[0])))
    found = run([f"n{i}.mutants{i % 8}.test" for i in range(160)], village.dns())
    assert {record_verdict(a) for a in found.values()} <= {"accepted", "refused", "unknown"}


def forged(**more):
    """The record that the attacker wants to be believed."""
    return lambda q: [answer(q, GOOD, **more).to_wire()]


def other(q, **changed):
    """The forged answer to a question that differs."""
    name, kind = changed.get("name", q.question[0].name), changed.get("kind", "TXT")
    o = dns.message.make_query(name, kind, changed.get("klass", "IN"))
    o.id = q.id
    r = dns.message.make_response(o)
    r.flags |= dns.flags.AA
    r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "TXT", f'"{GOOD}"'))
    return [r.to_wire()]


FORGERIES = {
    "id": lambda q: [answer(q, GOOD, ident=(q.id + i) & 0xFFFF).to_wire() for i in range(1, 50)],
    "name": lambda q: other(q, name="other.forged-name.test"),
    "kind": lambda q: other(q, kind="A"),
    "class": lambda q: other(q, klass="CH"),
    "no-question": lambda q: [answer(q, GOOD).to_wire()[:4] + b"\0\0" + answer(q, GOOD).to_wire()[6:]],
    "query-bit": lambda q: [answer(q, GOOD).to_wire()[:2] + b"\x04" + answer(q, GOOD).to_wire()[3:]],
    "question-cut": lambda q: [answer(q, GOOD).to_wire()[:16]],
}
BAILIWICK = {  # the true server's own answers, with what does not belong to the name
    "other-owner": lambda q: packet(q, rr(string(GOOD.encode()), owner=b"\5other\xc0\x0c")),
    "other-class": lambda q: packet(q, rr(string(GOOD.encode()), klass=3)),
    "other-section": lambda q: packet(q, rr(string(GOOD.encode())), counts=(0, 1, 0)),
    "additional": lambda q: packet(q, rr(string(GOOD.encode())), counts=(0, 0, 1)),
    "other-type": lambda q: packet(q, rr(string(GOOD.encode()), kind=99)),
    "beside-a-cname": lambda q: packet(q, rr(b"\5other\xc0\x0c", kind=5), rr(string(GOOD.encode()))),
    "no-authority": lambda q: packet(q, rr(string(GOOD.encode())), flags=0x8000),
    "servfail": lambda q: packet(q, rr(string(GOOD.encode())), flags=0x8402),
}


def test_forged_answers(village, run):
    """The forgery comes first, the true answer (which refuses) after it: the forgery counts for nothing."""
    def wrong(q):
        return [answer(q, WRONG).to_wire()]

    for word, forge in FORGERIES.items():
        village.host(f"forged-{word}", lambda q, _w, forge=forge: forge(q) + wrong(q))
        village.host(f"only-{word}", lambda q, _w, forge=forge: forge(q))
        village.host(f"tcp-{word}", truncated, lambda q, c, stop, forge=forge: c.sendall(b"".join(framed(p) for p in forge(q) + wrong(q))))
    for word, make in BAILIWICK.items():
        village.host(f"own-{word}", lambda q, _w, make=make: [make(q)])
    elsewhere = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    elsewhere[0].bind((THERE, 0))
    elsewhere[1].bind((HERE, 0))
    for i, s in enumerate(elsewhere):
        server = village.host(f"source-{i}")

        def udp(q, _wire, s=s, server=server):
            s.sendto(good(q)[0], server.peer)
            return wrong(q)
        server.udp = udp
    found = run(village.names(), village.dns())
    for s in elsewhere:
        s.close()
    for name, a in found.items():
        kind = name.split("-")[0]
        assert record_verdict(a) in {"forged": ["refused"], "source": ["refused"], "only": ["unknown"], "tcp": ["unknown"]}.get(
            kind, ["unknown", "refused"]), (name, a)


def drip(wire, pause):
    """One octet at a time."""
    def tcp(q, c, stop):
        for octet in framed(wire(q)):
            if stop.wait(pause):
                return
            c.sendall(bytes([octet]))
    return tcp


def endless(q, c, stop):
    while not stop.is_set():
        c.sendall(framed(answer(q, GOOD, ident=q.id ^ 1).to_wire()) * 100)


def good_without_end(q, c, stop):
    c.sendall(struct.pack(">H", 65535) + good(q)[0])
    while not stop.is_set():
        c.sendall(bytes(4096))


def reset(q, c, stop):
    c.sendall(framed(good(q)[0])[:30])
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(q, c, stop):
    stop.wait(30)


def huge(q):
    """A good record among as much as one message can hold."""
    return packet(q, rr(string(GOOD.encode())), *[rr(b"".join(string(b"x" * 255) for _ in range(8)))] * 31)


STALLS = {  # over TCP, after a truncated answer: what is told of the server
    "octet-a-second": (drip(lambda q: good(q)[0], 1), ("timeout",), "TCP"),
    "octets-for-ever": (drip(lambda q: bytes(60000), 0.05), ("timeout",), "TCP"),
    "silent": (silent, ("timeout",), "TCP"),
    "half": (lambda q, c, stop: (c.sendall(framed(good(q)[0])[:25]), stop.wait(30)), ("timeout",), "TCP"),
    "length-only": (lambda q, c, stop: (c.sendall(b"\xff\xff"), stop.wait(30)), ("timeout",), "TCP"),
    "one-octet-of-the-length": (lambda q, c, stop: (c.sendall(b"\0"), stop.wait(30)), ("timeout",), "TCP"),
    "closed": (lambda q, c, stop: None, ("failed",), "closed"),
    "closed-half-way": (lambda q, c, stop: c.sendall(framed(good(q)[0])[:25]), ("failed",), "closed"),
    "reset": (reset, ("timeout", "failed"), ""),
    "length-0": (lambda q, c, stop: c.sendall(b"\0\0" * 100), ("failed",), "0 octets"),
    "endless": (endless, ("failed",), "not to our question"),
    "truncated-again": (lambda q, c, stop: c.sendall(framed(truncated(q)[0])), ("failed",), "cut off"),
    "formerr": (lambda q, c, stop: c.sendall(framed(answer(q, rcode=1, rr=False).to_wire())), ("failed",), "FORMERR"),
}


def test_tcp_that_stalls(village, run):
    for word, (tcp, _, _) in STALLS.items():
        village.host(word, truncated, tcp)
    village.host("huge", truncated, lambda q, c, stop: c.sendall(framed(huge(q))))
    village.host("slow-but-good", truncated, drip(lambda q: good(q)[0], 0.002))
    village.host("good-without-end", truncated, good_without_end)
    refusing = village.host("no-tcp", truncated)
    refusing.t.shutdown(socket.SHUT_RDWR)
    found = run(village.names(), village.dns())
    for word, (_, results, words) in STALLS.items():
        (s,) = found[f"{word}.test"]["servers"]
        assert s["result"] in results and record_verdict(found[f"{word}.test"]) == "unknown", (word, s)
        assert words in s["reason"], (word, s)
    assert {record_verdict(found[f"{word}.test"]) for word in ("huge", "slow-but-good", "good-without-end")} == {"accepted"}
    assert record_verdict(found["no-tcp.test"]) == "unknown" and "TCP" in found["no-tcp.test"]["servers"][0]["reason"]


class Flood:
    """Sends answers with guessed ids, or empty packets, at whoever asked, without an end."""

    def __init__(self, server, make):
        self.server, self.make, self.stop = server, make, threading.Event()
        self.peers = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def udp(self, q, _wire):
        self.peers = [(self.server.peer, self.make(q))] + self.peers[:3]
        return []

    def _run(self):
        while not self.stop.wait(0.001):
            for peer, packets in self.peers:
                for p in packets:
                    try:
                        self.server.u.sendto(p, peer)
                    except OSError:
                        pass

    def close(self):
        self.stop.set()
        self.thread.join()


def test_udp_floods(village, run):
    """Strays do not keep it busy for ever, nor does a server that never has the answer it points to."""
    floods = []
    for word, make in (("ids", FORGERIES["id"]), ("nothing", lambda q: [b""] * 20), ("large", lambda q: [bytes(60000)] * 2)):
        server = village.host(f"flood-{word}")
        floods.append(Flood(server, make))
        server.udp = floods[-1].udp
    for word, rcode in (("formerr", 1), ("notimp", 4), ("servfail", 2)):
        village.host(f"always-{word}", lambda q, _w, rcode=rcode: [answer(q, rcode=rcode, rr=False).to_wire()])
    village.host("always-truncated", truncated, lambda q, c, stop: c.sendall(framed(truncated(q)[0])))
    village.host("formerr-then-truncated", lambda q, _w: [answer(q, rcode=1, rr=False).to_wire()] if q.edns >= 0 else truncated(q),
                 lambda q, c, stop: c.sendall(framed(answer(q, rcode=1, rr=False).to_wire())))
    counted = village.servers[-5:]
    found = run(village.names(), village.dns())
    for f in floods:
        f.close()
    assert {record_verdict(a) for a in found.values()} == {"unknown"} and all(a["servers"][0]["reason"] for a in found.values())
    assert all(s.asked + s.tcp_asked <= 60 for s in counted), [(s.asked, s.tcp_asked) for s in counted]


def test_memory_is_capped(village, run):
    """Forty names, each with an answer as large as an answer can be: 4,000 records and nearly 64 KiB."""
    records = [rr(string(GOOD.encode()))] + [rr(string(struct.pack(">H", i))) for i in range(4000)]
    body = b"".join(records)
    village.host("full", truncated, lambda q, c, stop: c.sendall(framed(packet(q, body, counts=(len(records), 0, 0)))))
    found = run([f"n{i}.full.test" for i in range(40)], village.dns())
    assert {record_verdict(a) for a in found.values()} == {"accepted"}


# --- resolvers ------------------------------------------------------------------------------------------------------------------


def resolving(*rrsets):
    """An answer with recursion available and these (owner, type, data)."""
    def udp(q, _wire):
        r = dns.message.make_response(q)
        r.flags |= dns.flags.RA
        for owner, kind, data in rrsets:
            r.answer.append(dns.rrset.from_text(owner or q.question[0].name, 60, "IN", kind, data))
        return [r.to_wire(max_size=65535)]
    return udp


def test_hostile_resolvers(village, run):
    owner = f"{LABEL}.victim.test."
    said = {
        "circle": resolving(("", "CNAME", "a.test."), ("a.test.", "CNAME", owner)),
        "unrelated": resolving(("other.test.", "TXT", f'"{GOOD}"')),
        "long": resolving(("", "CNAME", "c0.test."), *((f"c{i}.test.", "CNAME", f"c{i + 1}.test.") for i in range(200))),
        "backwards": resolving(("b.test.", "TXT", f'"{GOOD}"'), ("a.test.", "CNAME", "b.test.")),
        "damaged": lambda q, _w: [PACKETS["pointer-ladder"](q)],
        "endless": truncated,
    }
    for word, udp in said.items():
        village.host(word, udp, endless)
    resolvers = [s.address for s in village.servers]
    found = run(["victim.test"], {"mode": "resolver", "resolvers": resolvers})
    a = found["victim.test"]
    assert record_verdict(a) != "accepted" and not any(s["valid"] for s in a["servers"])
    assert {s["result"] for s in a["servers"] if s["address"] != village.servers[1].address} <= {"failed", "timeout", "nodata"}


# --- on the way from the root --------------------------------------------------------------------------------------------------


def refers(zone, hosts, glue=()):
    """A referral."""
    def udp(q, _wire):
        r = dns.message.make_response(q)
        r.authority.append(dns.rrset.from_text(zone, 300, "IN", "NS", *hosts))
        for host, address in glue:
            r.additional.append(dns.rrset.from_text(host, 300, "IN", "AAAA" if ":" in address else "A", address))
        return [r.to_wire(max_size=65535)]
    return udp


def deeper(q, _wire):
    """Always one label further down, as long as there is one."""
    name = q.question[0].name
    return refers(name.to_text(), [f"ns.{name.to_text()}"], [(f"ns.{name.to_text()}", "203.0.113.71")])(q, _wire)


def cname_for_ever(q, wire):
    """The alias of every name is a new one."""
    cname_for_ever.n += 1
    r = answer(q, rr=False)
    r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "CNAME", f"x{cname_for_ever.n}.cnames."))
    return [r.to_wire()]


cname_for_ever.n = 0


def liar(q, _wire):
    """No such name, says a server in the name of the root."""
    r = answer(q, rcode=3, rr=False)
    r.authority.append(dns.rrset.from_text(".", 60, "IN", "SOA", "a. b. 1 2 3 4 5"))
    return [r.to_wire()]


GLUE = "203.0.113."
WAYS = {  # top-level domain -> what its server, at the address of this number, says
    "deeper": (71, deeper),
    "itself": (72, refers("itself.", ["ns.itself."], [("ns.itself.", GLUE + "72")])),
    "upward": (73, refers(".", ["ns.root."], [("ns.root.", GLUE + "70")])),
    "sideways": (74, refers("deeper.", ["ns.deeper."], [("ns.deeper.", GLUE + "71")])),
    "crowd": (75, lambda q, w: refers("x.crowd.", [f"ns{i}.victims." for i in range(1000)])(q, w)),
    "victims": (76, None),
    "circlea": (77, refers("x.circlea.", ["ns.x.circleb."])),
    "circleb": (78, refers("x.circleb.", ["ns.x.circlea."])),
    "glue": (79, refers("x.glue.", ["ns.x.glue."],
                        [("ns.x.glue.", a) for a in ("0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1")])),
    "hundreds": (80, refers("x.hundreds.", ["ns.x.hundreds."], [("ns.x.hundreds.", f"198.18.{i // 250}.{i % 250}") for i in range(1000)])),
    "cnames": (81, cname_for_ever),
    "liar": (82, liar),
    "odd": (83, refers("x.odd.", [r"\000\255\".x.odd.", "*.x.odd.", "a" * 63 + ".x.odd."], [(r"\000\255\".x.odd.", GLUE + "83")])),
    "rubbish": (84, lambda q, _w: [PACKETS["pointers-at-each-other"](q)]),
    "stub": (85, lambda q, _w: truncated(q)),
}


def root(q, _wire):
    tld = q.question[0].name.to_text().rstrip(".").split(".")[-1].lower()
    if tld not in WAYS:
        return [answer(q, rcode=3, rr=False).to_wire()]
    return refers(tld + ".", [f"ns.{tld}."], [(f"ns.{tld}.", f"{GLUE}{WAYS[tld][0]}")])(q, _wire)


@pytest.fixture
def servers(dnstree):
    """The root and the top-level domains' servers, by name."""
    made = {tld: dnstree.port53(f"{GLUE}{number}", udp, over_tcp(udp)) for tld, (number, udp) in {**WAYS, "": (70, root)}.items()}
    yield made
    close_all(made.values())


NAMES = [f"x.{tld}" for tld in WAYS] + ["a.b.c.d.e.f.g.h.x.deeper", "y.circlea"]


def test_hostile_zones_on_the_way(dnstree, servers, run):
    """Whatever the servers of top-level domains say, the walk ends, and with few questions to others."""
    with dnstree.inside():
        found = run(NAMES, {"hints": [GLUE + "70"]})
    for name, a in found.items():
        assert record_verdict(a) == ("refused" if name == "x.liar" else "unknown"), (name, a)
        assert a["hint"] and a["reason"]
    assert servers["victims"].asked <= 64, "a thousand servers' names in somebody else's zone are not looked up"
    assert servers["circlea"].asked + servers["circleb"].asked <= 100
    assert servers["cnames"].asked <= 100 and servers[""].asked <= 200
    assert len(found["x.hundreds"]["servers"]) <= 128


def test_hostile_zones_and_validation(dnstree, servers, run):
    """The same with a trust anchor, so that the validating resolver goes that way, too."""
    with dnstree.inside():
        found = run(NAMES, {"hints": [GLUE + "70"], "validate": True, "trust_anchor": dnstree.anchor_file})
    assert servers[""].asked and all(record_verdict(a) != "accepted" for a in found.values())


# --- zone transfers ----------------------------------------------------------------------------------------------------------

EMPTY_TXT = struct.pack(">HHIHB", 16, 1, 60, 1, 0)


def of_zone(q, below, record, more=0):
    """A message of a transfer: a record, and as many more empty ones of the same owner, which is written once."""
    head = struct.pack(">HHHHHH", q.id, 0x8400, 0, 1 + more, 0, 0)
    return framed(head + below + q.question[0].name.to_wire() + record + (b"\xc0\x0c" + EMPTY_TXT) * more)


def transfer_for_ever(q, c, stop):
    fat = of_zone(q, (bytes([60]) + b"a" * 60) * 3, EMPTY_TXT, 4000)
    while not stop.is_set():
        c.sendall(fat)


def transfer_slowly(q, c, stop):
    while not stop.wait(0.01):
        c.sendall(of_zone(q, b"", EMPTY_TXT))


@pytest.mark.parametrize("rest, words, sanitized", [(transfer_for_ever, "256 MiB", False), (transfer_slowly, "10 minutes", True)])
def test_transfers_that_never_end(stage, rest, words, sanitized):
    soa = b"\x00\x00" + struct.pack(">IIIII", 1, 3600, 600, 86400, 60)

    def tcp(q, c, stop):
        c.sendall(of_zone(q, b"", struct.pack(">HHIH", 6, 1, 60, len(soa)) + soa))
        rest(q, c, stop)

    server = DnsServer(tcp=tcp)
    p = harness.Perdure(stage, {}, binary=program() if sanitized else harness.plain_path())
    wrap = () if sanitized else ("prlimit", f"--as={5 * SPACE}")
    for _ in range(3):  # a pause of this machine may end it, too
        done = p.run("audit", "--zone", "example.test", "--server", server.address, "--offline", "--allow-issuer", ISSUER, wrap=wrap,
                     timeout=OUTER, env={"PERDURE_TIME_RATE": "400"})
        if "no answer" not in done.err:
            break
    server.close()
    assert done.rc == 1 and server.address in done.err and words in done.err, done
