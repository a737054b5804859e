"""doctor on DNSSEC, and on what this machine's name servers say of a name: in the DNS tree, with an /etc/resolv.conf of the test's."""
import os

import dns.flags
import dns.message
import dns.rrset
import pytest

import harness
from dnstree import over_tcp
from dnstree_zones import GOOD, OTHER
from test_validate import mounted

TOLD = "203.0.113.75"


@pytest.fixture
def doctor(dnstree, stage):
    """doctor(name, name servers, dns=...) -> status, [(check, result, text)] of what it says of the DNS."""
    def run(name, servers, **keys):
        p = dnstree.perdure(stage, dns={"trust_anchor": dnstree.anchor_file, **keys})
        conf = harness.write(os.path.join(stage.folder("etc"), "resolv.conf"), "".join(f"nameserver {s}\n" for s in servers))
        done = p.run("doctor", "--offline", "--json", "--name", name, wrap=mounted(conf, "/etc/resolv.conf"))
        return done.rc, [(line["check"], line["result"], line["text"]) for line in done.lines() if line["check"] in ("dns", "dnssec")]

    return run


@pytest.fixture
def told(dnstree):
    """A double: the name server of this machine, with an answer of its own: told(ns=..., txt=...)."""
    made = []

    def start(ns, txt):
        def udp(q, _wire):
            r = dns.message.make_response(q)
            r.flags |= dns.flags.RA
            name, kind = q.question[0].name, dns.rdatatype.to_text(q.question[0].rdtype)
            r.answer.append(dns.rrset.from_text_list(name, 300, "IN", kind, ns if kind == "NS" else [f'"{txt}"']))
            return [r.to_wire()]

        made.append(dnstree.port53(TOLD, udp, over_tcp(udp)))
        return TOLD

    yield start
    for d in made:
        d.close()


NS = ["knot.hosting.beta.", "bind.hosting.beta."]


def test_the_machine_sees_what_the_world_sees(dnstree, doctor):
    rc, said = doctor("shapes.alpha", [dnstree.resolver, dnstree.plain_resolver])
    assert rc == 0 and {result for _, result, _ in said} == {"ok"}, said
    assert [check for check, _, _ in said] == ["dnssec", "dns", "dnssec", "dns", "dns"]
    assert dnstree.anchor_file in said[0][2] and "1 keys" in said[0][2]
    assert said[1][2].startswith("the servers of shapes.alpha answer") and said[2][2].endswith("is secure")
    assert all("sees what the zone's servers say" in text for _, _, text in said[3:])
    rc, said = doctor("none.shapes.beta", [dnstree.resolver])
    assert rc == 0 and {result for _, result, _ in said} == {"ok"} and said[2][2].endswith("is insecure"), said


@pytest.mark.parametrize("ns, txt, result, words", [
    (NS, GOOD, "ok", "sees what the zone's servers say"),
    (NS, OTHER, "ok", "another answer than the zone's servers, from a cache for 300 s"),
    (["ns.corp.test."], GOOD, "odd", "other name servers for shapes.beta: ns.corp.test"),
    (["ns.corp.test."], OTHER, "odd", "other name servers for shapes.beta: ns.corp.test"),
])
def test_the_machine_is_told_something_else(doctor, told, ns, txt, result, words):
    rc, said = doctor("shapes.beta", [told(ns, txt)])
    assert rc == 0 and said[-1][:2] == ("dns", result) and words in said[-1][2], said


def test_name_servers_that_do_not_answer(dnstree, doctor):
    rc, said = doctor("shapes.beta", [dnstree.addresses["refusing"]])
    assert rc == 0 and said[-1][:2] == ("dns", "odd") and "REFUSED" in said[-1][2]
    rc, said = doctor("shapes.beta", [])
    assert rc == 0 and said[-1] == ("dns", "ok", "this machine is set up with no name servers")


def test_what_is_wrong_with_the_zone(dnstree, doctor):
    rc, said = doctor("expired.alpha", [dnstree.resolver])
    assert rc == 1 and said[2][:2] == ("dnssec", "broken") and "bogus" in said[2][2] and "expired" in said[2][2], said
    assert said[3][:2] == ("dns", "odd") and "SERVFAIL" in said[3][2]
    rc, said = doctor("servfail.beta", [dnstree.resolver])
    assert rc == 1 and said[-1][:2] == ("dns", "broken") and "servfail.beta" in said[-1][2], said


def test_when_nothing_is_validated(dnstree, doctor):
    rc, said = doctor("shapes.alpha", [], trust_anchor="/nowhere/root.key")
    assert rc == 0 and [s[:2] for s in said if s[0] == "dnssec"] == [("dnssec", "odd")] * 2
    assert all("/nowhere/root.key" in text for check, _, text in said if check == "dnssec"), said
    rc, said = doctor("shapes.alpha", [], validate=False)
    assert rc == 0 and said[0] == ("dnssec", "ok", "answers are not validated, by configuration")
    rc, said = doctor("shapes.alpha", [], mode="none")
    assert rc == 1 and said[-1][:2] == ("dns", "broken") and "mode is none" in said[-1][2]
