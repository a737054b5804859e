"""A record that several certificates go by, and names that move to another CA: no record goes while somebody needs it."""
from harness import Knot, Perdure, TestCA, set_up_account, tool, zones_named

ZONE = zones_named(1)[0]
BOTH = [ZONE, "*." + ZONE]


class Site:
    """CAs called by words, each with its issuer name, and perdure with Knot as its provider; certificates are proved by records."""

    def __init__(self, stage, *words):
        self.knot = Knot(stage, [ZONE])
        self.cas = {word: TestCA(stage, self.knot.address, issuers=[word + ".example"]) for word in words}
        self.config = {
            "cas": [ca.config_entry(name=word) for word, ca in self.cas.items()],
            "dns": {"stubs": [self.knot.stub()]},
            "providers": [{"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{self.knot.port}", "tsig": {"file": self.knot.tsig_file}}],
            "defaults": {"ca": words[0], "validation": "dns-persist-01"}}
        self.p = Perdure(stage, {**self.config, "certificates": []})

    def certificates(self, *certs):
        self.p.configure({**self.config, "certificates": list(certs)})

    def stands(self):
        """Issuers of the records that stand, and whether each allows wildcards."""
        out = tool("kdig", "@127.0.0.1", "-p", str(self.knot.port), "+short", "_validation-persist." + ZONE, "TXT")
        return sorted((line.strip('"').partition(".")[0], "policy=wildcard" in line) for line in out.splitlines())

    def issued(self):
        """How many certificates each CA has issued."""
        return {word: len(ca.certificates()) for word, ca in self.cas.items()}

    def run(self, line, rc=0):
        done = self.p.run(*line.split())
        assert done.rc == rc, str(done)
        return done.out + done.err


def test_two_certificates_share_a_record(stage):
    """That is allowed, with a warning. The record goes when none of the two is left."""
    s = Site(stage, "one")
    set_up_account(s.p)
    wide, narrow = {"name": "wide", "names": BOTH}, {"name": "narrow", "names": [ZONE]}
    s.certificates(wide, narrow)
    assert f"{ZONE} is in the certificates narrow and wide" in s.run("config check")
    s.run("record apply --yes")
    s.run("renew")
    assert s.stands() == [("one", True)] and s.issued() == {"one": 2}
    s.certificates(narrow)
    for line in (f"record prune --yes {ZONE}", "delete wide --yes", f"record prune --yes {ZONE}", "record apply --yes --remove"):
        s.run(line)
        assert s.stands() == [("one", True)], line
    s.run("renew --force-renewal")
    assert s.issued() == {"one": 3}
    s.certificates()
    assert "the live certificate narrow" in s.run(f"record prune --yes {ZONE}")
    assert s.stands()
    s.run("delete narrow --yes")
    s.run(f"record prune --yes {ZONE}")
    assert not s.stands()


def test_names_move_to_another_ca(stage):
    """In any order: what is live stays, nothing is spent where no record stands, and both records stand side by side until the old is taken away."""
    s = Site(stage, "one", "two")
    old, both, new = ({"names": BOTH, "ca": ca} for ca in ("one", ["one", "two"], "two"))
    s.certificates(old)
    set_up_account(s.p, "one")
    s.run("record apply --yes")
    s.run("renew")
    live = s.p.live(ZONE, "cert.pem")
    first = tool("openssl", "x509", "-in", live, "-noout", "-serial")
    s.certificates(new)
    assert "account register --ca two" in s.run("renew --force-renewal", rc=1)
    set_up_account(s.p, "two")
    assert "held" in s.run("renew --force-renewal", rc=1)
    assert s.cas["two"].counters()["by_endpoint"].get("challenge", 0) == 0
    assert tool("openssl", "x509", "-in", live, "-noout", "-serial") == first
    s.certificates(both)
    s.run("record apply --yes")
    assert s.stands() == [("one", True), ("two", True)]
    assert "4 accepted, 0 refused" in s.run("check --all")
    s.run("renew --force-renewal")
    assert s.issued() == {"one": 2, "two": 0}
    s.certificates(new)
    s.run("renew")
    assert s.issued() == {"one": 2, "two": 1}, "the order that was held"
    s.run("record apply --yes")
    assert s.stands() == [("one", True), ("two", True)], "taken away without being told to"
    s.run("record apply --yes --remove")
    assert s.stands() == [("two", True)]
    s.run("check --all")
    s.run("renew --force-renewal")
