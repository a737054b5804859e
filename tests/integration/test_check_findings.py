"""Every finding of `perdure check` that servers can bring about: the names of the DNS tree that have it, and no others (dnstree.py)."""
import json

import pytest

import harness
from dnstree_zones import ACCOUNT, ISSUER, LABEL
from test_validate import mounted

Z = ".shapes.beta"
# name -> findings beside those that are only good to know; a name that has none is not listed
FOUND = {
    "wrong" + Z: {"record-account"}, "other" + Z: {"record-other-ca"}, "expired" + Z: {"record-expired"},
    "malformed" + Z: {"record-malformed"}, "quoted" + Z: {"record-other-ca", "record-quoted"},
    "split" + Z: {"record-malformed", "record-split"}, "none" + Z: {"record-missing"}, "slow" + Z: {"record-ttl-long"},
    "*.plain" + Z: {"record-not-wildcard"},
    "hops2" + Z: {"alias-chain"}, "hops9" + Z: {"alias-chain"}, "hops10" + Z: {"alias-too-long"}, "loop" + Z: {"alias-loop"},
    "dangling" + Z: {"record-missing", "alias-dangling"}, "gone" + Z: {"record-missing", "alias-dangling"},
    "awaybogus" + Z: {"dnssec-bogus"}, "wild" + Z: {"wildcard-answer"}, "x.wildalias" + Z: {"wildcard-answer", "delegation-wildcard"},
    "caa-othermethod" + Z: {"caa-method"}, "caa-otheraccount" + Z: {"caa-account"}, "caa-hash" + Z: {"caa-hashed"},
    "caa-other" + Z: {"caa-other-ca"}, "caa-none" + Z: {"caa-forbidden"}, "*.caa-wildother" + Z: {"caa-other-ca"},
    "caa-critical" + Z: {"caa-critical"}, "caa-alias" + Z: {"caa-other-ca"}, "below.caa-other" + Z: {"caa-other-ca"},
    "to-two" + Z: {"record-missing", "delegation-chain"}, "to-nozone" + Z: {"record-missing", "delegation-unserved"},
    "to-dead" + Z: {"record-missing", "delegation-unserved"}, "to-lame" + Z: {"record-missing", "delegation-unserved"},
    "to-stale" + Z: {"record-missing", "delegation-cname-ttl", "delegation-txt-ttl"},
    "to-one" + Z: {"record-missing"}, "to-text" + Z: {"record-missing"},
    "bogus.alpha": {"dnssec-bogus"}, "expired.alpha": {"dnssec-bogus"}, "nosig.alpha": {"dnssec-bogus"}, "dsmismatch.alpha": {"dnssec-bogus"},
    "lame.beta": {"servers-none", "server-refusing", "caa-failed"}, "dead.beta": {"servers-none", "server-silent", "caa-failed"},
    "upward.beta": {"servers-none", "server-lame", "caa-failed"}, "servfail.beta": {"servers-none", "server-error", "caa-failed"},
    "beside.beta": {"servers-none", "server-malformed"}, "nohost.beta": {"servers-none", "caa-failed"},
    "halflame.beta": {"server-refusing"}, "halfdead.beta": {"server-silent"}, "halfclosed.beta": {"server-unreachable"},
    "differ.beta": {"servers-disagree"}, "split.beta": {"servers-disagree", "record-missing"}, "drift.beta": {"servers-drift"},
}
SOUND = ["shapes.alpha", "shapes.beta", "both" + Z, "later" + Z, "strings" + Z, "large" + Z, "hops1" + Z, "dname" + Z, "sub" + Z, "own.apps" + Z,
         "caa-ok" + Z, "caa-method" + Z, "caa-account" + Z, "caa-wildother" + Z, "caa-wildonly" + Z, "caa-iodef" + Z, "caa-two" + Z,
         "below.caa-ok" + Z, "nsec3.alpha", "island.alpha", "late.beta"]
# what is only good to know, by name
KNOWN = {
    "shapes.alpha": {"caa-none", "record-ttl-short", "account-unknown"},
    "shapes.beta": {"caa-none", "dnssec-insecure", "record-ttl-short", "account-unknown"},
    "caa-ok" + Z: {"dnssec-insecure", "record-ttl-short", "account-unknown"},
}


@pytest.fixture(scope="module")
def tree(dnstree):
    with harness.Stage() as stage:
        yield dnstree.perdure(stage)


@pytest.fixture(scope="module")
def answers(tree):
    done = tree.run("check", *FOUND, *SOUND, "--offline", "--json")
    assert done.rc == 5
    return {("*." if a["wildcard"] else "") + a["name"]: a for a in done.lines()}


def codes(a, *severities):
    return {f["code"] for f in a["findings"] if f["severity"] in severities}


def test_every_name_has_its_findings(answers):
    assert {n: codes(a, "error", "warning") for n, a in answers.items()} == {**FOUND, **{n: set() for n in SOUND}}


def test_what_is_good_to_know(answers):
    assert {n: codes(answers[n], "info") for n in KNOWN} == KNOWN


def test_errors_refuse(answers):
    for name, a in answers.items():
        assert (a["verdict"] == "refused") is bool(codes(a, "error")), name
        assert (a["problem"] is not None) is (a["verdict"] == "refused"), name
    assert {answers[n]["problem"] for n in FOUND if n.startswith("caa-") and FOUND[n]} == {"caa"}
    assert answers["bogus.alpha"]["problem"] == answers["loop" + Z]["problem"] == "dns"


def test_evidence(answers):
    assert answers["shapes.alpha"]["dnssec"] == {"record": "secure", "caa": "secure", "why": None}
    assert answers["shapes.beta"]["dnssec"]["record"] == "insecure"
    assert answers["bogus.alpha"]["dnssec"]["why"]
    a = answers["below.caa-other" + Z]
    assert a["caa"] == {"name": "caa-other" + Z, "known": True, "records": ['0 issue "other.example"']}
    assert answers["shapes.beta"]["caa"] == {"name": None, "known": True, "records": []}
    a = answers["differ.beta"]
    assert [(s["addresses"], s["percent"], s["valid"]) for s in a["shares"]] == [(2, 67, True), (1, 33, False)]
    hops = answers["hops2" + Z]["hops"]
    assert [(h["owner"], h["target"], h["kind"], h["zone"]) for h in hops] == [
        (f"{LABEL}.hops2{Z}", f"h1.hops2{Z}", "CNAME", Z[1:]), (f"h1.hops2{Z}", f"h2.hops2{Z}", "CNAME", Z[1:])]
    assert answers["dname" + Z]["hops"][0]["kind"] == "DNAME"
    assert answers["wild" + Z]["wildcard_source"] == "*.wild" + Z and answers["shapes.beta"]["wildcard_source"] is None
    assert answers["x.wildalias" + Z]["hops"][0]["wildcard"] == "*.wildalias" + Z
    assert answers["shapes.beta"]["account"] == ACCOUNT and answers["none" + Z]["account"] is None


def test_a_caa_fix_is_accepted(answers):
    """The line for CAA names the place where the record stands and what it replaces."""
    assert answers["caa-alias" + Z]["fix"] == f'caa-other{Z}. 3600 IN CAA 0 issue "{ISSUER}"'
    fix = answers["caa-othermethod" + Z]["fix"]
    assert fix.startswith(f'caa-othermethod{Z}. 3600 IN CAA 0 issue "{ISSUER};validationmethods=dns-01,dns-persist-01"') and "in place of" in fix


def test_delegations(tree):
    """With --delegation a name must have one."""
    done = tree.run("check", "shapes.beta", "to-one" + Z, "--delegation", "--offline", "--json")
    here, there = done.lines()
    assert done.rc == 5 and here["verdict"] == "refused" and codes(here, "error") == {"delegation-missing"}
    assert codes(there, "error") == {"record-missing"}
    done = tree.run("check", "to-nozone" + Z, "--delegation", "--offline", "--json")
    assert codes(done.lines()[0], "error") == {"record-missing", "delegation-unserved"}


def test_dialects(tree):
    """Pebble looks neither at CAA nor at DNSSEC; where readings differ, it is said."""
    names = ["caa-other" + Z, "bogus.alpha", "shapes.beta"]
    done = tree.run("check", *names, "--dialect", "pebble", "--offline", "--json")
    assert done.rc == 0 and [codes(a, "warning") for a in done.lines()] == [{"caa-other-ca"}, {"dnssec-bogus"}, set()]
    done = tree.run("check", "wrong" + Z, "--dialect", "boulder", "--offline", "--json")
    (a,) = done.lines()
    assert a["dialect"] == "boulder" and a["findings"][0]["ca_says"] == "accounturi mismatch"
    done = tree.run("check", "hops1" + Z, "--dialect", "adcs", "--offline", "--json")
    (a,) = done.lines()
    assert (a["verdict"], a["text_verdict"]) == ("refused", "accepted") and {"record-alias-refused", "reading-differs"} <= codes(a, "error", "warning")
    assert tree.run("check", "shapes.beta", "--dialect", "none").rc == 2


def test_by_hand(dnstree, tree):
    """No CA, no configuration but that of the DNS."""
    with harness.Stage() as stage:
        p = dnstree.perdure(stage, cas=[])
        args = ("--issuer", ISSUER, "--account-uri", ACCOUNT, "--json")
        done = p.run("check", "shapes.alpha", "wrong.shapes.alpha", *args)
        assert done.rc == 5 and [(a["ca"], a["level"], a["verdict"]) for a in done.lines()] == [(ISSUER, 1, "accepted"), (ISSUER, 1, "refused")]
        assert p.run("check", "shapes.alpha", *args, "--level", "00").lines()[0]["level"] == 0
        done = p.run("check", "shapes.alpha", *args, "--level", "02", "--thumbprint", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                     "--hash-prefix", "https://ca.test/hash/")
        assert done.rc == 5 and "record-uri" in codes(done.lines()[0], "error") and "/hash/sha-256/" in done.lines()[0]["fix"]
        for wrong in (["--issuer", ISSUER], ["--account-uri", ACCOUNT], ["--issuer", "CA.", "--account-uri", ACCOUNT],
                      [*args, "--level", "02"], [*args, "--level", "3"], [*args, "--ca", "ca"]):
            assert p.run("check", "shapes.alpha", *wrong).rc == 2, wrong


def test_names_from_a_file(tree):
    names = "shapes.alpha  plain.shapes.beta # a comment\n\n*.plain.shapes.beta\r\n"
    path = harness.write(tree.config_file + ".names", names)
    done = tree.run("check", "--names", path, "--offline", "--json")
    assert done.rc == 5 and [(a["name"], a["wildcard"], a["verdict"]) for a in done.lines()] == [
        ("shapes.alpha", False, "accepted"), ("plain.shapes.beta", False, "accepted"), ("plain.shapes.beta", True, "refused")]
    assert tree.run("check", "--names", "-", "--offline", "--json", input="shapes.beta\n").rc == 0
    done = tree.run("check", "--names", "-", "--offline", input="shapes.beta\nnot_a_name\n")
    assert done.rc == 2 and "line 2" in done.err


def test_points_of_view(dnstree, tree):
    """Resolvers: both see what the servers publish; of a bogus name the validating one hands out nothing."""
    see = [v for r in (dnstree.resolver, "tcp://" + dnstree.plain_resolver) for v in ("--vantage", r)]
    (a,) = tree.run("check", "shapes.alpha", *see, "--offline", "--json").lines()
    assert a["verdict"] == "accepted" and [v["verdict"] for v in a["vantages"]] == ["accepted"] * 2 and a["quorum"]
    assert a["vantages"][0]["answer"] == a["answer"] and not codes(a, "warning", "error")
    (a,) = tree.run("check", "bogus.alpha", *see, "--dialect", "pebble", "--offline", "--json").lines()
    assert [v["verdict"] for v in a["vantages"]] == ["unknown", "accepted"] and "vantage-silent" in codes(a, "warning")
    assert tree.run("check", "shapes.alpha", "--vantage", "nowhere").rc == 2
    # Those of the configuration need not be named; naming others leaves them out.
    was = tree.config
    tree.configure({**was, "dns": {**was["dns"], "vantage": [dnstree.resolver]}})
    for args, where in (([], dnstree.resolver), (see[2:], "tcp://" + dnstree.plain_resolver)):
        (a,) = tree.run("check", "shapes.alpha", *args, "--offline", "--json").lines()
        assert [v["resolver"] for v in a["vantages"]] == [where], a
    tree.configure(was)


def test_this_machines_own_resolvers(dnstree, tree):
    """"system" stands for those of /etc/resolv.conf, which is read for this comparison alone."""
    conf = harness.write(tree.config_file + ".resolv", f"nameserver {dnstree.plain_resolver}\nnameserver {dnstree.resolver}\n")
    done = tree.run("check", "shapes.alpha", "--vantage", "system", "--offline", "--json", wrap=mounted(conf, "/etc/resolv.conf"))
    (a,) = done.lines()
    assert [(v["resolver"], v["verdict"]) for v in a["vantages"]] == [(dnstree.plain_resolver, "accepted"), (dnstree.resolver, "accepted")], a
    assert [v["ad"] for v in a["vantages"]] == [False, True]


# name, zone -> verdict, findings
FLIGHTS = {
    ("shapes.alpha", None): ("harmless", set()),
    ("new" + Z, "shapes.beta"): ("harmless", set()),
    ("own.apps" + Z, None): ("harmless", set()),
    ("x.apps" + Z, None): ("harmful", {"preflight-silences-wildcard"}),
    ("occluded" + Z, "shapes.beta"): ("harmful", {"preflight-below-delegation"}),
    ("occluded" + Z, "occluded.shapes.beta"): ("harmless", set()),
    ("new" + Z, "new.shapes.beta"): ("harmful", {"preflight-below-delegation"}),
    ("hops1" + Z, None): ("harmful", {"preflight-cname"}),
    ("x.dname" + Z, None): ("harmful", {"preflight-dname"}),
    ("large" + Z, None): ("harmless", {"preflight-large"}),
    ("dead.beta", None): ("unknown", {"preflight-unknown"}),
    ("medium" + Z, None): ("harmless", {"preflight-truncates"}),
}


@pytest.mark.parametrize("name,zone", FLIGHTS)
def test_if_published(tree, name, zone):
    verdict, found = FLIGHTS[name, zone]
    done = tree.run("check", name, "--if-published", *(["--zone", zone] if zone else []), "--offline", "--json")
    (a,) = done.lines()
    assert (a["verdict"], codes(a, "error", "warning")) == (verdict, found), a
    assert done.rc == {"harmless": 0, "harmful": 5, "unknown": 75}[verdict]
    assert a["owner"] == f"{LABEL}.{name}" and a["owner"] in a["publish"]


@pytest.mark.parametrize("more, length", [(0, 233), (1, 234)])
def test_a_name_too_long_for_a_record(tree, more, length):
    name = ".".join(["a" * 60] * 3 + ["b" * (45 + more), "beta"])
    assert len(name) == length
    done = tree.run("check", name, "--if-published", "--offline", "--json")
    (a,) = done.lines()
    if more:  # refused before anything is asked; who plans records by the thousand gets the finding (test_preflight.c)
        assert done.rc == 2 and "the most is 233" in a["error"] and "no room" in a["hint"]
    else:
        assert (a["verdict"], a["owner"], done.rc) == ("harmless", f"{LABEL}.{name}", 0) and not codes(a, "error"), a


def test_every_finding_has_a_name_that_has_it_and_one_that_has_not(tree):
    """The table of codes against the names of this file. Some no server can bring about: explain_cases.c and test_preflight.c have those."""
    made = {"record-uri", "record-until-range", "record-long", "record-ends-early", "record-old-key", "account-deactivated",
            "caa-unsatisfiable", "caa-malformed", "caa-disagree", "server-addressless", "server-diverging", "servers-half-seen", "vantage-differs",
            "vantage-silent", "quorum-missed", "delegation-missing", "delegation-beside", "delegation-broken", "preflight-owner-long",
            "dnssec-unknown", "record-alias-refused", "reading-differs"}
    names = {**FOUND, **KNOWN, **{n: f for (n, _), (_, f) in FLIGHTS.items()}}
    table = {line["code"] for line in tree.run("check", "--codes", "--json").ok().lines()}
    assert set().union(*names.values()) | made == table
    for code in table - made:
        assert any(code in found for found in names.values()) and not all(code in found for found in names.values()), code


def test_merge(tree):
    """The quorum over results of several hosts; the first is the primary one."""
    good = tree.run("check", "shapes.alpha", "shapes.beta", "--offline", "--json").out
    bad = good.replace('"verdict":"accepted"', '"verdict":"refused"')
    silent = good.replace('"verdict":"accepted"', '"verdict":"unknown"')
    other = good.replace(f'"account":"{ACCOUNT}"', '"account":"https://ca.test/acct/9"')
    path = {k: harness.write(f"{tree.config_file}.{k}", v) for k, v in {"good": good, "bad": bad, "silent": silent, "other": other}.items()}
    for files, verdict, rc in (
            (["good", "good", "good"], "accepted", 0), (["good", "good", "bad"], "accepted", 0), (["good", "bad", "bad"], "refused", 5),
            (["bad", "good", "good"], "refused", 5), (["silent", "good", "good"], "unknown", 75), (["good", "silent", "silent"], "refused", 5),
            (["good", "other", "other"], "refused", 5)):
        done = tree.run("check", "--merge", *(path[f] for f in files), "--json")
        assert done.rc == rc and [a["verdict"] for a in done.lines()] == [verdict] * 2, (files, done)
        assert [p["from"] for p in done.lines()[0]["perspectives"]] == [path[f] for f in files]
    assert "accepted shapes.alpha at ca" in tree.run("check", "--merge", path["good"], path["good"]).out
    assert tree.run("check", "--merge", path["good"]).rc == 2
    broken = harness.write(tree.config_file + ".broken", good + "{\n")
    done = tree.run("check", "--merge", path["good"], broken)
    assert done.rc != 0 and "line 3" in done.err


def test_merge_by_region(tree):
    """Those that agree must be of two regions, where the hosts say where they are: in the configuration, or on the command line."""
    def seen(region, verdict="accepted"):
        out = tree.run("check", "shapes.alpha", "--offline", "--json", "--region", region).out
        assert json.loads(out)["region"] == region
        return harness.write(f"{tree.config_file}.{region}.{verdict}", out.replace('"verdict":"accepted"', f'"verdict":"{verdict}"'))

    here, ripe, apnic, bad = seen("ripe"), seen("ripe"), seen("apnic"), seen("arin", "refused")
    for files, verdict, regions in (
            ([here, ripe, apnic], "accepted", 2), ([here, ripe, ripe, apnic, bad], "accepted", 2), ([here, ripe, ripe, ripe, bad], "refused", 1),
            ([here, ripe, ripe, ripe], "accepted", 1)):
        (a,) = tree.run("check", "--merge", *files, "--json").lines()
        assert (a["verdict"], a["regions"]) == (verdict, regions) and a["perspectives"][0]["region"] == "ripe", a
        assert ("region of one registry" in a["reason"]) == (regions == 1)
    done = tree.run("check", "shapes.alpha", "--offline", "--region", "europe")
    assert done.rc == 2 and "afrinic, apnic, arin, lacnic, ripe" in done.err
    before = tree.config
    tree.configure({**before, "dns": {**before["dns"], "region": "lacnic"}})
    try:
        assert tree.run("check", "shapes.alpha", "--offline", "--json").lines()[0]["region"] == "lacnic"
    finally:
        tree.configure(before)
