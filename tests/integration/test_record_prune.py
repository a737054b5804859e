"""`record prune`: what nothing needs any more is found, shown and taken away; what somebody needs, or somebody else wrote, stays."""
import json

import pytest

import harness
from recordworld import World, actions, has

FOREIGN = '"v=spf1 -all; somebody \\"else\\""'
OTHERS = '"ca.test;accounturi=https://127.0.0.1:1/acct/other;policy=wildcard"'


@pytest.fixture
def world(stage, make_knot):
    return lambda *a, **kw: World(stage, make_knot, *a, **kw)


def prune(w, *args, rc=0):
    done = w.p.run("record", "prune", "--timeout", "20", *args)
    assert done.rc == rc, done
    return done


def forgotten(w, *args):
    return {r["owner"]: r for r in prune(w, "--dry-run", "--json", *args).lines() if "remove" in actions(r)}


def at(name, value, ttl=60):
    return f'_validation-persist.{name} {ttl} TXT "{value}"'


def test_forgotten_records_go_and_those_of_others_stay(world):
    w = world(n=3, records={"w02.bench.test": [f"_validation-persist.left TXT {FOREIGN}", f"_validation-persist.left TXT {OTHERS}"]})
    w.apply()
    w.knot.nsupdate([at("left.w02.bench.test", w.want()), at("old.w02.bench.test", w.want("")), "other.w02.bench.test 60 TXT x"])
    before = w.stands(owner="_validation-persist.left.w02.bench.test")
    found = forgotten(w, "--zone", "w02.bench.test")
    assert sorted(found) == ["_validation-persist.left.w02.bench.test", "_validation-persist.old.w02.bench.test"]
    (item,) = [i for i in found["_validation-persist.left.w02.bench.test"]["items"] if i["action"] == "remove"]
    assert "every name below it" in item["reason"] and "in its zone" in item["reason"] and "without an end" in item["reason"]
    assert actions(found["_validation-persist.left.w02.bench.test"]) == ["remove", "unknown", "unknown"]
    asked = prune(w, "--zone", "w02.bench.test", rc=2)
    assert "--yes" in asked.err and "every name below it" in asked.out
    prune(w, "--zone", "w02.bench.test", "--yes")
    assert w.stands(owner="_validation-persist.left.w02.bench.test") == [v for v in before if "acct/1;" not in v]
    assert len(before) == 3 and not w.stands(owner="_validation-persist.old.w02.bench.test") and all(has(w, i, w.want()) for i in range(3))
    assert not forgotten(w, "--zone", "w02.bench.test")
    w.apply("--undo", w.runs()[-1])
    assert w.stands(owner="_validation-persist.left.w02.bench.test") == before


def test_where_names_come_from(world, tmp_path):
    """The journal, a list, a zone file, findings of an audit, the command line: each leads to the same record."""
    w = world(n=2)
    w.apply()
    w.p.configure({**w.config, "certificates": [{"names": ["w00.bench.test", "*.w00.bench.test"]}]})
    owner = w.owner(1)
    w.knot.nsupdate([at("lost.w01.bench.test", w.want())])
    lost = "_validation-persist.lost.w01.bench.test"
    assert list(forgotten(w)) == [owner]
    names = harness.write(str(tmp_path / "names"), "lost.w01.bench.test *.w00.bench.test # not this\n")
    assert sorted(forgotten(w, "--names", names)) == sorted([owner, lost])
    zone = harness.write(str(tmp_path / "zone"), f"$ORIGIN w01.bench.test.\n@ 60 SOA ns host 1 2 3 4 5\n_validation-persist.lost 60 TXT \"{w.want()}\"\n")
    assert sorted(forgotten(w, "--zone", zone)) == sorted([owner, lost])
    findings = str(tmp_path / "findings")
    audit = w.p.run("audit", "--names", names, "--json", "--look", "txt")
    harness.write(findings, audit.out)
    assert [line["name"] for line in audit.lines() if line.get("rule") == "PD401"] == ["lost.w01.bench.test"]
    assert sorted(forgotten(w, "--audit", findings)) == sorted([owner, lost])
    assert sorted(forgotten(w, "*.lost.w01.bench.test")) == sorted([owner, lost])
    keep = harness.write(str(tmp_path / "keep"), "w01.bench.test *.w01.bench.test\n")
    done = prune(w, "--dry-run", "--keep", keep, "lost.w01.bench.test", "w00.bench.test", "-v")
    assert "w00.bench.test is not looked at: certificate w00.bench.test" in done.err
    assert sorted(forgotten(w, "--keep", keep, "lost.w01.bench.test")) == [lost]
    refused = prune(w, "--zone", "elsewhere.test", "--dry-run", rc=1)
    assert "--server" in refused.err


def test_a_wildcard_above_a_name_in_use_stays_until_that_has_its_own(world):
    w = world(n=1)
    w.knot.nsupdate([at("w00.bench.test", w.want())])
    w.p.configure({**w.config, "certificates": [{"names": ["www.w00.bench.test"]}]})
    assert not forgotten(w, "w00.bench.test")
    kept = prune(w, "--dry-run", "-v", "w00.bench.test")
    assert "www.w00.bench.test below it has no record of its own" in kept.out
    w.apply("--no-preflight")
    assert list(forgotten(w, "w00.bench.test")) == [w.owner()]
    prune(w, "--yes", "w00.bench.test")
    assert not w.stands() and len(w.stands(owner="_validation-persist.www.w00.bench.test")) == 1


def test_what_was_written_is_ours_after_the_account_has_gone(world):
    """A record of an account that nobody knows any more, but that a run of ours wrote."""
    w = world(n=2)
    w.apply()
    entry = {**w.ca.config_entry(), "account": {"url": "https://127.0.0.1:1/acct/new"}}
    w.p.configure({**w.config, "cas": [entry], "certificates": [{"names": ["w00.bench.test", "*.w00.bench.test"]}]})
    found = forgotten(w)
    assert list(found) == [w.owner(1)] and "an account that we had before" in json.dumps(found)
    prune(w, "--yes")
    assert not w.stands(1) and len(w.stands(0)) == 1


def test_delegations(world):
    """A CNAME is published, moved within our zone, never taken from others, and pruned; TXT beside it is told."""
    w = world(n=3, records={"w01.bench.test": ["_acme-challenge CNAME w01.somebody.test."], "w02.bench.test": ["_acme-challenge TXT \"left over\""]})
    config = {**w.config, "delegation": {"zone": "auth.bench.test"},
              "certificates": [{"names": [z, "*." + z], "validation": "delegation"} for z in w.zones]}
    w.p.configure(config)
    plan = w.plan(rc=4)
    owners = [f"_acme-challenge.{z}" for z in w.zones]
    assert sorted(plan) == owners and [actions(plan[o]) for o in owners] == [["add"], ["blocked", "unknown"], ["blocked"]]
    assert {r["type"] for r in plan.values()} == {"CNAME"} and plan[owners[0]]["items"][0]["data"] == "_w00-bench-test.auth.bench.test."
    assert "somebody.test" in plan[owners[1]]["blocked"] and "TXT" in plan[owners[2]]["blocked"]
    w.apply(rc=4)

    def target(i):
        return harness.tool("kdig", "@127.0.0.1", "-p", str(w.knot.port), "+short", owners[i], "CNAME").split()

    assert [target(i) for i in range(3)] == [["_w00-bench-test.auth.bench.test."], ["w01.somebody.test."], []]
    assert actions(w.plan(rc=4)[owners[0]]) == ["keep"]
    w.p.configure({**config, "delegation": {"zone": "auth.bench.test", "name": "all.auth.bench.test"}, "certificates": config["certificates"][:1]})
    assert actions(w.plan()[owners[0]]) == ["change"]
    w.apply()
    assert target(0) == ["all.auth.bench.test."]
    w.apply("--undo", w.runs()[-1])
    assert target(0) == ["_w00-bench-test.auth.bench.test."]
    w.p.configure({**config, "certificates": [{"names": [z], "validation": "dns-persist-01"} for z in w.zones]})
    assert list(forgotten(w, *w.zones)) == [owners[0]]
    prune(w, "--yes", *w.zones)
    assert [target(i) for i in range(3)] == [[], ["w01.somebody.test."], []]


def test_a_delegation_that_an_audit_finds(world, tmp_path):
    w = world(n=2)
    config = {**w.config, "delegation": {"zone": "auth.bench.test"}, "certificates": [{"names": [z], "validation": "delegation"} for z in w.zones]}
    w.p.configure(config)
    w.apply()
    names = harness.write(str(tmp_path / "names"), "\n".join(w.zones))
    assert not [line for line in w.p.run("audit", "--names", names, "--json").lines() if line.get("rule") in ("PD401", "PD512")]
    w.p.configure({**config, "certificates": config["certificates"][1:]})
    audit = w.p.run("audit", "--names", names, "--json")
    (found,) = [line for line in audit.lines() if line.get("rule") == "PD401"]
    assert found["name"] == w.zones[0] and f"_acme-challenge.{w.zones[0]} leads to _w00-bench-test.auth.bench.test" in found["evidence"], found
    w.p.run("record", "prune", "--yes", "--timeout", "20", "--audit", harness.write(str(tmp_path / "findings"), audit.out)).ok()
    stands = [harness.tool("kdig", "@127.0.0.1", "-p", str(w.knot.port), "+short", f"_acme-challenge.{z}", "CNAME").split() for z in w.zones]
    assert stands == [[], ["_w01-bench-test.auth.bench.test."]]
