"""The tree of dnstree.py is what its table says: asked with another DNS library, so that check's tests stand on firm ground."""
import os

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from dnstree import BETA
from dnstree_zones import GOOD, HOPS, LABEL


def ask(tree, server, name, kind="TXT", want_dnssec=True):
    """The answer of a server of the tree, over TCP when it is truncated. The resolver has patience with servers that are dead."""
    q = dns.message.make_query(name, kind, want_dnssec=want_dnssec)
    with tree.inside():
        r = dns.query.udp(q, tree.addresses.get(server, server), timeout=30)
        if r.flags & dns.flags.TC:
            r = dns.query.tcp(q, tree.addresses.get(server, server), timeout=30)
    return r


def texts(answer):
    return sorted(b"".join(rr.strings).decode() for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT for rr in rrset)


def seen(tree, name):
    """What a validating resolver says: (rcode, secure, number of TXT records)."""
    r = ask(tree, "resolver", f"{LABEL}.{name}")
    return dns.rcode.to_text(r.rcode()), bool(r.flags & dns.flags.AD), len(texts(r))


@pytest.mark.parametrize("name, answer", [
    ("shapes.alpha", ("NOERROR", True, 1)), ("shapes.beta", ("NOERROR", False, 1)), ("large.shapes.alpha", ("NOERROR", True, 41)),
    ("x.wild.shapes.alpha", ("NOERROR", True, 2)), ("x.wildalias.shapes.beta", ("NOERROR", False, 1)),
    ("ent.shapes.alpha", ("NOERROR", True, 0)), ("nodata.shapes.alpha", ("NOERROR", True, 0)),
    ("none.shapes.alpha", ("NXDOMAIN", True, 0)), ("loop.shapes.alpha", ("SERVFAIL", False, 0)),
    ("dname.shapes.alpha", ("NOERROR", True, 1)), ("x.dname.shapes.beta", ("NOERROR", False, 1)),
    ("sub.shapes.alpha", ("NOERROR", False, 1)), ("occluded.shapes.alpha", ("NXDOMAIN", False, 0)),
    ("nsec3.alpha", ("NOERROR", True, 1)), ("island.alpha", ("NOERROR", False, 1)), ("unsigned.alpha", ("NOERROR", False, 1)),
    ("bogus.alpha", ("SERVFAIL", False, 0)), ("plain.bogus.alpha", ("NOERROR", True, 1)), ("expired.alpha", ("SERVFAIL", False, 0)),
    ("nosig.alpha", ("SERVFAIL", False, 0)), ("plain.nosig.alpha", ("NOERROR", True, 1)), ("dsmismatch.alpha", ("SERVFAIL", False, 0)),
    ("halfdead.beta", ("NOERROR", False, 1)), ("lame.beta", ("SERVFAIL", False, 0)),
    ("noglue.beta", ("SERVFAIL", False, 0)), ("servfail.beta", ("SERVFAIL", False, 0)), ("gone.alpha", ("NXDOMAIN", True, 0)),
])
def test_a_validating_resolver_sees(dnstree, name, answer):
    assert seen(dnstree, name) == answer


@pytest.mark.parametrize("name", ["bogus.alpha", "expired.alpha", "nosig.alpha", "dsmismatch.alpha"])
def test_without_validation_the_bogus_records_are_there(dnstree, name):
    assert texts(ask(dnstree, "plain_resolver", f"{LABEL}.{name}")) == [GOOD]


@pytest.mark.parametrize("server", ["knot", "bind"])
@pytest.mark.parametrize("hops", HOPS)
def test_hops(dnstree, server, hops):
    name, n = f"{LABEL}.hops{hops}.shapes.beta.", 0
    while True:
        r = ask(dnstree, server, name, want_dnssec=False)
        step = {rrset.name.to_text(): rrset[0] for rrset in r.answer}
        if step[name].rdtype == dns.rdatatype.TXT:
            break
        name, n = step[name].target.to_text(), n + 1
    assert n == hops


def test_the_large_set_needs_tcp(dnstree):
    for server in ("knot", "bind"):
        q = dns.message.make_query(f"{LABEL}.large.shapes.beta", "TXT", use_edns=0, payload=1232)
        with dnstree.inside():
            assert dns.query.udp(q, dnstree.addresses[server], timeout=5).flags & dns.flags.TC
            assert len(dns.query.tcp(q, dnstree.addresses[server], timeout=5).to_wire()) > 4096


def test_servers(dnstree):
    def rcode(server, zone):
        r = ask(dnstree, server, f"{LABEL}.{zone}")
        return dns.rcode.to_text(r.rcode()), bool(r.flags & dns.flags.AA), texts(r)

    assert rcode("knot", "differ.beta") == rcode("bind", "differ.beta") == ("NOERROR", True, [GOOD])
    assert rcode("nsd", "differ.beta") != rcode("knot", "differ.beta") and rcode("nsd", "differ.beta")[:2] == ("NOERROR", True)
    assert rcode("nsd", "split.beta")[:2] == ("NXDOMAIN", True) and rcode("knot", "split.beta")[2] == [GOOD]
    assert len(rcode("nsd", "third.beta")[2]) == 2
    assert rcode("knot", "servfail.beta")[:2] == ("SERVFAIL", False)
    assert rcode("refusing", "lame.beta")[0] == rcode("knot", "third.beta")[0] == rcode("bind", "split.beta")[0] == "REFUSED"
    assert rcode("nonaa", "nonaa.beta") == ("NOERROR", False, [GOOD]) and rcode("late", "late.beta") == ("NOERROR", True, [GOOD])
    assert rcode("upward", "upward.beta") == ("NOERROR", False, [])
    r = ask(dnstree, "beside", f"{LABEL}.beside.beta")
    assert sorted(rrset.rdtype for rrset in r.answer) == [dns.rdatatype.CNAME, dns.rdatatype.TXT]
    for server, error in (("dead", dns.exception.Timeout), ("closed", dns.exception.Timeout), ("far", OSError)):
        with dnstree.inside(), pytest.raises(error):
            dns.query.udp(dns.message.make_query("x.", "TXT"), dnstree.addresses[server], timeout=0.3)
    if dnstree.ipv6:
        assert rcode("six", "six.beta")[2] == [GOOD]


def test_parent_and_child_name_the_same_servers_but_for_drift(dnstree):
    for zone in (z for z in BETA if z not in ("lame", "dead", "closed", "far", "late", "upward", "nonaa", "beside", "servfail", "six")):
        parent = ask(dnstree, "beta", f"{zone}.beta", "NS").authority[0]
        server = next(h for h in ("knot", "bind") if f"{h}.hosting.beta." in {rr.target.to_text() for rr in parent})
        child = ask(dnstree, server, f"{zone}.beta", "NS").answer[0]
        assert (set(parent) == set(child)) is (zone != "drift"), zone


@pytest.mark.parametrize("server, zone", [("knot", "shapes.beta"), ("bind", "shapes.alpha"), ("nsd", "differ.beta"),
                                          ("knot", "openxfr.beta"), ("bind", "openxfr.beta")])
def test_transfer(dnstree, server, zone):
    keyring = dns.tsigkeyring.from_text({dnstree.tsig_name: dnstree.tsig_secret})

    def transfer(**key):
        into = dns.zone.Zone(zone)
        query, serial = dns.xfr.make_query(into, **key)
        del serial
        query.flags &= ~dns.flags.RD
        with dnstree.inside():
            dns.query.inbound_xfr(dnstree.addresses[server], into, query, timeout=5)
        return into

    assert transfer(keyring=keyring, keyname=dnstree.tsig_name, keyalgorithm="hmac-sha256").get_rdataset(LABEL, "TXT")
    if zone == "openxfr.beta":
        assert transfer().get_rdataset(LABEL, "TXT")
    else:
        with pytest.raises((dns.xfr.TransferError, dns.exception.DNSException, EOFError)):
            transfer()


def test_nothing_leads_out_of_it(dnstree):
    with dnstree.inside():
        inside = os.stat("/proc/thread-self/ns/net").st_ino
        with pytest.raises(OSError):
            dns.query.udp(dns.message.make_query(".", "NS"), "192.0.2.53", timeout=1)
    assert inside != os.stat("/proc/thread-self/ns/net").st_ino
