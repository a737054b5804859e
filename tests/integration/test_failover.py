"""A certificate with two CAs: when the first does not serve for long, the second is asked, if a record for it stands."""
import os

import pytest
from e2e import at_time, faults_path, need_faketime
from harness import Knot, Perdure, TestCA, read, set_up_account, write, zones_named
from test_provider_exec import LEGO

NAMES = zones_named(3)


@pytest.fixture
def site(stage):
    """Two CAs; the records of both stand for the first two names, that of the first CA alone for the third."""
    need_faketime()
    knot = Knot(stage, NAMES)
    cas = [TestCA(stage, knot.address, issuers=[f"{word}.example"]) for word in ("one", "two")]
    p = Perdure(stage, {
        "cas": [ca.config_entry(name=word) for ca, word in zip(cas, ("one", "two"))],
        "dns": {"stubs": [knot.stub()]},
        "certificates": [{"names": [n, "*." + n], "ca": ["one", "two"]} for n in NAMES],
    }, binary=faults_path())
    for word in ("one", "two"):
        set_up_account(p, word)
    shown = [p.run("record", "show", "--format", "zone", "--ca", "one").ok(), p.run("record", "show", "--format", "zone", "--ca", "two", *[w + n for n in NAMES[:2] for w in ("", "*.")]).ok()]
    knot.nsupdate([line for done in shown for line in done.out.splitlines() if "TXT" in line and not line.startswith(";")])
    p.knot = knot
    return p, cas


def renew(p, hours):
    """The clock so many hours ahead, and patience that ends soon."""
    options = at_time(f"+{hours}h")
    options["env"]["PERDURE_TIME_RATE"] = "60"
    return p.run("renew", **options)


def test_the_next_ca_when_the_first_stays_down(site):
    p, (one, two) = site
    one.fault("cut-before", endpoint="any")
    tried = one.request_count()
    done = renew(p, 0)
    assert done.rc == 75 and done.out.count("parked") >= 3, str(done)
    # A minute of patience, once and not for each certificate: some 13 tries.
    assert one.request_count() - tried < 24
    assert two.request_count() == two_before(p, two), "an hour is waited first"
    done = renew(p, 3)
    assert done.rc == 4, str(done)
    # One looks whether the first CA is back; one has no record for the second.
    assert [c["names"][0] for c in two.certificates()] == [NAMES[1]], str(done)
    assert f'{NAMES[2]}: not asked of CA "two"' in done.err and f"parked {NAMES[2]} (one)" in done.out, str(done)
    assert "BEGIN CERTIFICATE" in read(p.live(NAMES[1], "fullchain.pem"))
    # It comes back: the rest is issued there, and what the second has issued stays.
    one.clear()
    done = renew(p, 20)
    assert done.rc == 0 and len(one.certificates()) == 2 and len(two.certificates()) == 1, str(done)


def test_the_next_ca_when_the_first_refuses(site):
    """Six refusals in a row of one certificate, which is the business of no other."""
    p, (one, two) = site
    refusal = one.fault("problem", endpoint="newOrder", type="urn:ietf:params:acme:error:rejectedIdentifier", status=403)
    for _ in range(6):
        assert two.orders() == []
        assert p.run("renew", NAMES[0], NAMES[2]).rc == 1
    done = p.run("renew", NAMES[0], NAMES[2])
    assert done.rc == 4 and [c["names"][0] for c in two.certificates()] == [NAMES[0]], str(done)
    # There is no record by which the second would accept this one.
    assert f'{NAMES[2]}: not asked of CA "two"' in done.err and f"failed {NAMES[2]} (one)" in done.out, str(done)
    one.clear(refusal)
    assert p.run("renew", *NAMES).ok() and sorted(c["names"][0] for c in one.certificates()) == NAMES[1:]


def test_the_next_ca_by_another_way(site):
    """With auto a name whose record stands for the first CA alone is proved to the second by dns-01, where a provider has its zone."""
    p, (one, two) = site
    # By a program, which goes by the real clock: signed changes of another time would be refused.
    own = lambda name: os.path.join(p.folder, name)  # noqa: E731
    write(own("hook"), LEGO, 0o700)
    write(own("env"), f"DNS_PORT={p.knot.port}\nDNS_KEY=hmac-sha256:{p.knot.tsig_name} {p.knot.tsig_secret}\nNOTES={own('notes')}\n", 0o600)
    p.configure({**p.config, "providers": [{"name": "own", "type": "exec", "program": own("hook"), "protocol": "lego", "env_file": own("env"),
                                            "server": f"127.0.0.1@{p.knot.port}"}]})
    one.fault("cut-before", endpoint="any")
    assert renew(p, 0).rc == 75
    done = renew(p, 3)
    assert sorted(c["names"][0] for c in two.certificates()) == NAMES[1:], str(done)
    assert f"{NAMES[2]}: no record that the CA would accept stands; validated by dns-01" in done.err, str(done)


def two_before(p, two):
    """Requests of the second CA so far: only those that made its account and told its directory."""
    assert two.orders() == []
    return two.request_count()
