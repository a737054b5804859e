"""
What other resolvers say of a name, asked through validate_tool in the DNS tree: unbound over UDP, TCP and HTTPS, and a double that
answers over HTTPS what no server should.
"""
import http.server
import os
import socketserver
import ssl
import struct
import threading

import dns.flags
import dns.message
import dns.rrset
import pytest

import harness
from dnstree import unbound_conf
from dnstree_zones import GOOD, LABEL
from test_validate import Tool

DOH = "203.0.113.72"
ODD = "203.0.113.73"


@pytest.fixture(scope="module")
def tool(dnstree):
    return Tool(dnstree)


@pytest.fixture(scope="module")
def tls(dnstree):
    """Certificate and key of the servers at DOH and ODD."""
    folder = dnstree.stage.folder("doh")
    cert, key = os.path.join(folder, "tls.pem"), os.path.join(folder, "tls.key")
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", "/CN=doh", "-addext", f"subjectAltName=IP:{DOH},IP:{ODD}", "-keyout", key, "-out", cert)
    return cert, key


@pytest.fixture(scope="module")
def doh(dnstree, tls):
    """unbound with DNS over HTTPS, before the tree's validating one."""
    folder = dnstree.stage.folder("unbound-doh")
    conf = harness.write(os.path.join(folder, "unbound.conf"), unbound_conf(folder, f"""
  interface: {DOH}@443
  interface: {DOH}@53
  https-port: 443
  tls-service-key: "{tls[1]}"
  tls-service-pem: "{tls[0]}"
  do-ip6: no
  module-config: "validator iterator"
  trust-anchor-file: "{dnstree.anchor_file}"
""", f"""
forward-zone:
  name: "."
  forward-addr: {dnstree.resolver}
"""))
    log = os.path.join(folder, "log")
    with dnstree.inside():
        dnstree.stage.spawn(["/usr/sbin/unbound", "-d", "-c", conf], log)
    tool = Tool(dnstree)
    harness.wait_until(f"unbound, see {log}", 20, lambda: ask(tool, "shapes.beta", f"tcp://{DOH}")[0]["result"] == "found")
    return f"https://{DOH}/dns-query"


def ask(tool, name, *resolvers, more=()):
    """What each resolver says."""
    args = [a for r in resolvers for a in ("--vantage", r)]
    return tool.lines("--timeout", "1000", *args, *more, names=[name], root=False)


def test_what_a_resolver_says_and_that_it_validates(tool):
    tree = tool.tree
    first, second, third = ask(tool, "shapes.alpha", tree.resolver, f"tcp://{tree.resolver}@53", tree.plain_resolver)
    for s in (first, second, third):
        assert (s["result"], s["rcode"], s["rr"], s["text"]) == ("found", "NOERROR", [f'"{GOOD}"'], ""), s
        assert 0 < s["ttl"] <= 3600
    assert [s["ad"] for s in (first, second, third)] == [True, True, False]
    assert [s["tcp"] for s in (first, second, third)] == [False, True, False]


@pytest.mark.parametrize("name, result, rcode, records, chain", [
    ("none.shapes.alpha", "nxdomain", "NXDOMAIN", 0, 0), ("nodata.shapes.beta", "nodata", "NOERROR", 0, 0),
    ("large.shapes.beta", "found", "NOERROR", 41, 0), ("hops2.shapes.beta", "found", "NOERROR", 1, 2),
    ("bogus.alpha", "failed", "SERVFAIL", 0, 0), ("dangling.shapes.beta", "nxdomain", "NXDOMAIN", 0, 1),
])
def test_answers_of_every_kind(tool, name, result, rcode, records, chain):
    s, = ask(tool, name, tool.tree.resolver)
    assert (s["result"], s["rcode"], len(s["rr"]), len(s["chain"])) == (result, rcode, records, chain), s
    assert ("SERVFAIL" in s["text"]) == (result == "failed")


def test_the_rest_of_a_ttl_is_how_long_a_cache_holds_it(tool):
    """Asked until the cache's TTL has fallen below the zone's."""
    ttl = [s["ttl"] for s in ask(tool, "shapes.beta", f"tcp://{tool.tree.addresses['knot']}")]
    assert harness.wait_until("the TTL to fall", 10, lambda: ask(tool, "shapes.beta", tool.tree.resolver)[0]["ttl"] < ttl[0])


def test_resolvers_that_do_not_answer_or_cannot_be_asked(tool):
    a = tool.tree.addresses
    said = ask(tool, "shapes.beta", a["dead"], a["closed"], a["refusing"], a["upward"], "nonsense", "https://", tool.tree.resolver,
               more=["--deadline", "2500"])
    assert [s["result"] for s in said] == ["timeout", "timeout", "failed", "failed", "failed", "failed", "found"]
    for s, why in zip(said, ("no answer", "refused", "REFUSED", "does not resolve", "no address", "no URL", "")):
        assert why in s["text"], s


def test_over_https(tool, tls, doh):
    first, second = ask(tool, "shapes.alpha", doh, doh + "{?dns}", more=["--ca", tls[0]])
    for s in (first, second):
        assert (s["result"], s["rr"], s["ad"]) == ("found", [f'"{GOOD}"'], True), s
    large, = ask(tool, "large.shapes.beta", doh, more=["--ca", tls[0]])
    assert len(large["rr"]) == 41
    s, = ask(tool, "bogus.alpha", doh, more=["--ca", tls[0]])
    assert (s["result"], s["rcode"]) == ("failed", "SERVFAIL")


def test_https_that_cannot_be_had(tool, tls, doh):
    s, = ask(tool, "shapes.beta", doh)
    assert s["result"] == "failed" and "not available" in s["text"]
    s, = ask(tool, "shapes.beta", doh, more=["--ca", "/etc/ssl/certs/ca-certificates.crt"])
    assert s["result"] == "failed" and DOH in s["text"]
    s, = ask(tool, "shapes.beta", f"https://{tool.tree.addresses['closed']}/dns-query", more=["--ca", tls[0]])
    assert s["result"] == "failed" and s["text"]


def test_check_asks_over_https(dnstree, stage, tls, doh):
    """With the certificates that the configuration trusts; without them the resolver is named, and nothing else suffers."""
    for bundle, verdict in ((tls[0], "accepted"), (None, "unknown")):
        p = dnstree.perdure(stage, dns={"ca_bundle": bundle} if bundle else {})
        (a,) = p.run("check", "shapes.alpha", "--vantage", doh, "--offline", "--json").ok().lines()
        assert (a["verdict"], [v["verdict"] for v in a["vantages"]]) == ("accepted", [verdict]), a
        assert ("vantage-silent" in {f["code"] for f in a["findings"]}) == (bundle is None)


class Odd:
    """A double: an HTTPS server that answers questions as `reply` says: status, type, octets from the query."""

    def __init__(self, tree, tls):
        odd = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                query = self.rfile.read(int(self.headers["Content-Length"]))
                odd.seen.append((self.path, self.headers["Content-Type"], query[:2]))
                status, kind, body = odd.reply(dns.message.from_wire(query))
                self.send_response(status)
                if kind:
                    self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

        self.seen, self.reply = [], None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        with tree.inside():
            self.server = Server((ODD, 443), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def answer(q, name=None, kind="TXT"):
    r = dns.message.make_response(q)
    r.flags |= dns.flags.RA
    data = {"TXT": f'"{GOOD}"', "A": "192.0.2.1"}[kind]
    r.answer.append(dns.rrset.from_text(name or q.question[0].name, 60, "IN", kind, data))
    return r


def other_question(q):
    r = answer(q)
    wrong = dns.message.make_query(f"{LABEL}.other.test.", "TXT", id=q.id)
    r.question = wrong.question
    return r.to_wire()


DNS = "application/dns-message"


@pytest.mark.parametrize("reply, result, text", [
    (lambda q: (200, DNS, answer(q).to_wire()), "found", ""),
    (lambda q: (200, DNS.upper() + "; charset=x", answer(q).to_wire()), "found", ""),
    (lambda q: (404, DNS, b""), "failed", "HTTP status 404"),
    (lambda q: (200, "text/html", answer(q).to_wire()), "failed", "text/html"),
    (lambda q: (200, None, answer(q).to_wire()), "failed", "no type"),
    (lambda q: (200, DNS + "x", answer(q).to_wire()), "failed", DNS + "x"),
    (lambda q: (200, DNS, b""), "failed", "0 octets"),
    (lambda q: (200, DNS, answer(q).to_wire()[:-3]), "failed", "damaged"),
    (lambda q: (200, DNS, struct.pack(">H", 7) + answer(q).to_wire()[2:]), "found", ""),  # the id has no meaning in HTTP
    (lambda q: (200, DNS, other_question(q)), "failed", "another question"),
    (lambda q: (200, DNS, answer(q, f"{LABEL}.other.test.").to_wire()), "nodata", ""),
], ids=range(11))
def test_odd_answers_over_https(tool, tls, reply, result, text):
    odd = Odd(tool.tree, tls)
    odd.reply = reply
    try:
        s, = ask(tool, "shapes.beta", f"https://{ODD}/resolve?x=1{{?dns}}", more=["--ca", tls[0]])
    finally:
        odd.close()
    assert (s["result"], text in s["text"]) == (result, True), s
    assert odd.seen == [("/resolve?x=1", DNS, b"\0\0")]


def test_questions_are_given_up(tool, tls, doh):
    dead = tool.tree.addresses["dead"]
    names = ["shapes.alpha", "shapes.beta"]
    args = [a for r in (dead, f"tcp://{dead}", f"https://{dead}/", doh) for a in ("--vantage", r)]
    said = tool.lines(*args, "--ca", tls[0], "--cancel", "--deadline", "1200", names=names, root=False)
    assert {s["owner"] for s in said} == {f"{LABEL}.shapes.beta"}
    assert len(said) == 4 and said[0]["result"] == "timeout" and said[3]["result"] == "found"
