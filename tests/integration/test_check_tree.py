"""`perdure check` over the DNS tree: what is served how, by whom, and what check makes of it (dnstree.py says which name shows what)."""
import pytest

import harness
from dnstree_zones import LABEL, LARGE, TTL
from harness import record_verdict

# name (in shapes.beta and shapes.alpha alike) -> verdict, ACME problem, words in the reason
RECORDS = {
    "": ("accepted", None, ""), "*.": ("accepted", None, ""),
    "plain": ("accepted", None, ""), "*.plain": ("refused", "unauthorized", "wildcard"),
    "wrong": ("refused", "unauthorized", "another account"), "other": ("refused", "unauthorized", "issuer"), "both": ("accepted", None, ""),
    "expired": ("refused", "unauthorized", "persistUntil has passed"), "later": ("accepted", None, ""),
    "malformed": ("refused", "malformed", "malformed"), "quoted": ("refused", "unauthorized", "malformed"),
    "split": ("refused", "malformed", "accounturi"), "strings": ("accepted", None, ""), "control": ("refused", "malformed", "control"),
    "nodata": ("refused", "unauthorized", "no validation record"), "ent": ("refused", "unauthorized", "no validation record"),
    "bare": ("refused", "unauthorized", "no validation record"), "none": ("refused", "unauthorized", "no validation record"),
    "large": ("accepted", None, ""), "long": ("accepted", None, ""), "nottl": ("accepted", None, ""),
    "hops1": ("accepted", None, ""), "hops2": ("accepted", None, ""), "hops9": ("accepted", None, ""),
    "dangling": ("refused", "unauthorized", ""), "gone": ("refused", "unauthorized", ""), "nobody": ("refused", "unauthorized", ""),
    "away": ("accepted", None, ""), "slow": ("accepted", None, ""), "dname": ("accepted", None, ""), "x.dname": ("accepted", None, ""),
    "sub": ("accepted", None, ""), "occluded": ("refused", "unauthorized", "no validation record"), "own.apps": ("accepted", None, ""),
    "x.apps": ("refused", "unauthorized", "no validation record"),
}
# name in beta -> verdict, the results by server
SERVERS = {
    "halflame": ("accepted", {"knot": "found", "bind": "found", "refusing": "failed"}),
    "halfdead": ("accepted", {"knot": "found", "bind": "found", "dead": "timeout"}),
    "halfclosed": ("accepted", {"knot": "found", "bind": "found", "closed": "timeout"}),
    "halffar": ("accepted", {"knot": "found", "bind": "found", "far": "timeout"}),
    "halflate": ("accepted", {"knot": "found", "bind": "found", "late": "found"}),
    "late": ("accepted", {"late": "found"}),
    "lame": ("unknown", {"refusing": "failed"}), "dead": ("unknown", {"dead": "timeout"}), "closed": ("unknown", {"closed": "timeout"}),
    "far": ("unknown", {"far": "timeout"}), "upward": ("unknown", {"upward": "failed"}), "nonaa": ("unknown", {"nonaa": "failed"}),
    "beside": ("unknown", {"beside": "failed"}), "servfail": ("unknown", {"knot": "failed"}),
    "differ": ("accepted", {"knot": "found", "bind": "found", "nsd": "found"}),
    "split": ("refused", {"knot": "found", "nsd": "nxdomain"}), "third": ("accepted", {"bind": "found", "nsd": "found"}),
    "noglue": ("unknown", {}), "nohost": ("unknown", {}), "gone": ("refused", {"ns.beta": "nxdomain"}),
}
WORDS = {
    "lame": "REFUSED", "upward": "lame", "nonaa": "lame", "beside": "CNAME", "servfail": "SERVFAIL", "closed": "refused",
    "far": "unreachable",
}
SIGNED = ["shapes.alpha", "nsec3.alpha", "island.alpha", "unsigned.alpha"]


def short(host):
    return host.removesuffix(".hosting.beta")


def full(name, zone):
    """The name and whether it is a wildcard."""
    wildcard, rest = name.startswith("*."), name.removeprefix("*.")
    return (f"{rest}.{zone}" if rest else zone), wildcard


@pytest.fixture(scope="module")
def run(dnstree):
    """run(names, **configuration) -> {(name, wildcard): answer}, the exit status"""
    with harness.Stage() as stage:
        def go(names, **config):
            done = dnstree.perdure(stage, **config).run("check", *names, "--offline", "--json")
            return {(a["name"], a["wildcard"]): a for a in done.lines()}, done.rc

        yield go


@pytest.fixture(scope="module")
def answers(run):
    """Everything that only reads, in one run."""
    names = [("*." if w else "") + n for zone in ("shapes.alpha", "shapes.beta") for n, w in (full(k, zone) for k in RECORDS)]
    names += [f"{z}.beta" for z in SERVERS] + SIGNED + ["plain.bogus.alpha", "drift.beta", "six.beta"]
    found, rc = run(names, dns={"timeout": "2s"})
    assert rc == 5 and len(found) == len(set(names))
    return found


@pytest.mark.parametrize("zone", ["shapes.alpha", "shapes.beta"])
@pytest.mark.parametrize("name", RECORDS)
def test_records(answers, zone, name):
    verdict, problem, words = RECORDS[name]
    a = answers[full(name, zone)]
    assert (record_verdict(a), a["problem"]) == (verdict, problem) and words in a["reason"] and a["disagree"] is False
    assert (a["fix"] is None) is (verdict == "accepted") and a["owner"] == f"{LABEL}.{a['name']}"
    assert len(a["servers"]) == (1 if name == "gone" else 2)


@pytest.mark.parametrize("name", SERVERS)
def test_servers(answers, name):
    verdict, servers = SERVERS[name]
    a = answers[f"{name}.beta", False]
    assert record_verdict(a) == verdict and {short(s["server"]): s["result"] for s in a["servers"]} == servers, a
    if name in WORDS:
        (only,) = a["servers"]
        again = "a moment ago" in only["reason"]  # another name was there first
        assert (again or WORDS[name] in only["reason"]) and verdict == "unknown" and a["hint"]
    for s in a["servers"]:
        assert s["valid"] is (s["result"] == "found" and not (name == "differ" and short(s["server"]) == "nsd"))


def test_disagreement_is_told(answers):
    assert [n for n in SERVERS if answers[f"{n}.beta", False]["disagree"]] == ["differ", "split"]
    assert "nsd.hosting.beta" in answers["differ.beta", False]["warning"]
    assert answers["third.beta", False]["warning"] is None, "another CA's record more does not matter"


def test_what_is_not_wrong_is_not_complained_of(answers):
    for name in SIGNED + ["shapes.beta", "plain.bogus.alpha"]:
        a = answers[name, False]
        assert record_verdict(a) == "accepted" and a["warning"] is None and a["hint"] is None and a["chain"] == []
        assert [s["reason"] for s in a["servers"]] == ["", ""]


@pytest.mark.parametrize("zone", ["shapes.alpha", "shapes.beta"])
def test_chains(answers, zone):
    def chain(name):
        return answers[full(name, zone)]["chain"]

    assert [len(chain(f"hops{n}")) for n in (1, 2, 9)] == [1, 2, 9] and chain("hops2") == [f"h1.hops2.{zone}", f"h2.hops2.{zone}"]
    assert chain("dname") == [f"{LABEL}.dnamed.{zone}"] and chain("x.dname") == [f"{LABEL}.x.dnamed.{zone}"]
    assert chain("dangling") == [f"nothing.dangling.{zone}"] and chain("gone") == [f"{LABEL}.no-such-zone.alpha"]
    assert chain("away") == ["shared.targets.beta"] and answers[full("away", zone)]["zone"] == "targets.beta"


def test_zones_and_transport(answers):
    for zone in ("shapes.alpha", "shapes.beta"):
        assert answers[full("sub", zone)]["zone"] == f"sub.{zone}" and answers[full("occluded", zone)]["zone"] == f"occluded.{zone}"
        assert [s["tcp"] for s in answers[full("large", zone)]["servers"]] == [True, True]
        assert [s["tcp"] for s in answers[full("plain", zone)]["servers"]] == [False, False]
        assert {s["ttl"] for s in answers[full("plain", zone)]["servers"]} == {TTL}
        assert {s["ttl"] for s in answers[full("long", zone)]["servers"]} == {86400}
        assert {s["ttl"] for s in answers[full("nottl", zone)]["servers"]} == {0}
    assert LARGE > 16  # of 200 octets and more: beyond 4 KB


def test_the_childs_servers_count(answers):
    """The parent and the zone name different servers; both are asked about the record."""
    servers = {short(s["server"]) for s in answers["drift.beta", False]["servers"]}
    assert {"knot", "bind"} <= servers <= {"knot", "bind", "nsd"} and record_verdict(answers["drift.beta", False]) == "accepted"


def test_ipv6(dnstree, answers):
    if not dnstree.ipv6:
        pytest.skip("NO TEST WITH IPv6: the kernel has none")
    (s,) = answers["six.beta", False]["servers"]
    assert record_verdict(answers["six.beta", False]) == "accepted" and s["address"] == dnstree.addresses["six"]


@pytest.mark.parametrize("name", ["closed", "far"])
def test_why_nothing_came(run, name):
    found, _ = run([f"{name}.beta"], dns={"validate": False})
    assert WORDS[name] in found[f"{name}.beta", False]["servers"][0]["reason"]


@pytest.mark.parametrize("name, words", [("hops11", "more than"), ("hops12", "more than"), ("loop", "circle"), ("self", "circle")])
def test_endless_chains(run, name, words):
    found, rc = run([f"{name}.shapes.beta", f"{name}.shapes.alpha"])
    assert rc in (5, 75)
    for a in found.values():
        assert record_verdict(a) != "accepted" and words in a["reason"]


def test_an_alias_to_a_dead_server(run):
    found, rc = run(["awaydead.shapes.beta"], dns={"validate": False})
    a = found["awaydead.shapes.beta", False]
    assert rc in (5, 75) and record_verdict(a) == "unknown" and a["chain"] == ["shared.dead.beta"] and a["zone"] == "dead.beta"
    assert [(short(s["server"]), s["result"]) for s in a["servers"]] == [("dead", "timeout")]


def test_late_beyond_the_timeout(run):
    """With a second to wait, the servers in time decide."""
    found, rc = run(["halflate.beta", "late.beta"], dns={"timeout": "1s"})
    assert record_verdict(found["halflate.beta", False]) == "accepted" and rc in (0, 75)


def test_no_way_to_the_root(run, dnstree):
    """All roots dead, or no way to them: seconds for all names together, and it is said."""
    names = [f"n{i}.shapes.beta" for i in range(200)]
    for root in ("dead", "far"):
        found, rc = run(names, dns={"hints": [dnstree.addresses[root]]})
        assert rc == 75 and {record_verdict(a) for a in found.values()} == {"unknown"} and len(found) == 200
        assert all(a["hint"] for a in found.values())


def test_a_host_without_ipv4(run, dnstree):
    """The root has more IPv4 addresses than are tried; those by IPv6 are asked all the same."""
    if not dnstree.ipv6:
        pytest.skip("NO TEST WITH IPv6: the kernel has none")
    hints = [f"198.18.0.{i}" for i in range(1, 13)] + [dnstree.addresses["root6"]]
    found, rc = run(["shapes.alpha"], dns={"hints": hints, "trust_anchor": dnstree.anchor_file})
    a = found["shapes.alpha", False]
    assert rc == 0 and a["dnssec"]["record"] == "secure", a


def test_somebody_else_answers_for_the_root(run, dnstree):
    """As in a network where every question is led to a resolver."""
    for root, resolver in (("refusing", True), ("far", False)):
        found, rc = run(["n.shapes.beta"], dns={"hints": [dnstree.addresses[root]], "validate": False})
        assert rc == 75 and ("dns.resolvers" in found["n.shapes.beta", False]["hint"]) == resolver, found


def test_stub_instead_of_the_root(run, dnstree):
    """A closed network: the zone's servers are configured, nothing is asked of the root."""
    stub = {"zone": "shapes.beta", "servers": [dnstree.addresses["knot"], dnstree.addresses["bind"]]}
    found, rc = run(["shapes.beta", "wrong.shapes.beta"], dns={"hints": [dnstree.addresses["far"]], "stubs": [stub], "validate": False})
    assert rc == 5 and [record_verdict(a) for a in found.values()] == ["accepted", "refused"]


# name -> what the validating and the other resolver's word leads to
RESOLVED = {
    "shapes.alpha": ("accepted", "accepted"), "shapes.beta": ("accepted", "accepted"), "large.shapes.alpha": ("accepted", "accepted"),
    "wrong.shapes.alpha": ("refused", "refused"), "none.shapes.alpha": ("refused", "refused"), "ent.shapes.alpha": ("refused", "refused"),
    "hops9.shapes.beta": ("accepted", "accepted"), "x.dname.shapes.beta": ("accepted", "accepted"),
    "x.wildalias.shapes.alpha": ("accepted", "accepted"), "nsec3.alpha": ("accepted", "accepted"),
    "halfdead.beta": ("accepted", "accepted"),
    "bogus.alpha": ("unknown", "accepted"), "expired.alpha": ("unknown", "accepted"), "nosig.alpha": ("unknown", "accepted"),
    "dsmismatch.alpha": ("unknown", "accepted"), "awaybogus.shapes.beta": ("unknown", "accepted"), "lame.beta": ("unknown", "unknown"),
    "loop.shapes.beta": ("unknown", "unknown"),
}


@pytest.mark.parametrize("which", [0, 1])
def test_mode_resolver(run, dnstree, which):
    resolver = (dnstree.resolver, dnstree.plain_resolver)[which]
    found, _ = run(list(RESOLVED), dns={"mode": "resolver", "resolvers": [resolver], "timeout": "5s"})
    assert {n: record_verdict(found[n, False]) for n in RESOLVED} == {n: v[which] for n, v in RESOLVED.items()}
    for a in found.values():
        assert [s["address"] for s in a["servers"]] == [resolver]


def test_a_resolver_that_is_none(run, dnstree):
    """An authoritative server, a dead one and a good one: the good one's word counts, the others are named."""
    resolvers = [dnstree.addresses["knot"], dnstree.addresses["dead"], dnstree.resolver]
    found, rc = run(["shapes.alpha"], dns={"mode": "resolver", "resolvers": resolvers})
    a = found["shapes.alpha", False]
    by = {s["address"]: s["result"] for s in a["servers"]}
    assert rc == 0 and record_verdict(a) == "accepted" and by[dnstree.resolver] == "found" and by[dnstree.addresses["dead"]] == "timeout"


def test_text_for_people(dnstree, stage):
    """Names, servers and reasons are in the text too, and control characters of records are not."""
    p = dnstree.perdure(stage)
    done = p.run("check", "differ.beta", "control.shapes.beta", "halflame.beta", "hops2.shapes.beta", "--offline", "-v")
    assert done.rc == 5 and "nsd.hosting.beta" in done.out and "REFUSED" in done.out and "h2.hops2.shapes.beta" in done.out
    assert all(c.isprintable() or c == "\n" for c in done.out + done.err)
