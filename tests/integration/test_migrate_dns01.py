"""perdure migrate dns-01: domains with what classic dns-01 left behind get standing records, on a real Knot and two Pebbles."""
import os

import pytest

import harness
from resolver import Unbound
from test_json_page import fields, page

ZONES = harness.zones_named(6)
DIGEST = "LPsIwTo7o8BoG0-vjCyGQGBWSVIPxI-i_X336eUOQZo"


@pytest.fixture
def world(stage, make_knot, make_pebble):
    records = {
        ZONES[0]: [f'_acme-challenge TXT "{DIGEST}"', '_acme-challenge TXT "v=something-else"'],
        ZONES[1]: ["_acme-challenge CNAME w02.elsewhere.test."],
    }
    knot = make_knot(ZONES + ["auth.bench.test"], records=records)
    resolver = Unbound(stage, {z: knot.port for z in ["bench.test", *ZONES, "auth.bench.test"]})  # it follows CNAMEs, as a CA's does
    ca, staging = make_pebble(resolver), make_pebble(resolver, issuers=("staging.test",))
    p = harness.Perdure(stage, {
        "cas": [ca.config_entry("prod"), staging.config_entry("stage")],
        "dns": {"stubs": [knot.stub()]},
        "providers": [{"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{knot.port}", "tsig": {"file": knot.tsig_file}, "zones": ZONES[:5] + ["auth.bench.test"]}],
        "delegation": {"zone": "auth.bench.test"},
    })
    for name in ("prod", "stage"):
        harness.set_up_account(p, name)
    names = harness.write(os.path.join(p.folder, "names.txt"), "# domains\n" + "\n".join(ZONES) + "\n")
    return knot, ca, staging, p, names


def kinds(done, kind):
    return [line for line in done.lines() if line.get("kind") == kind]


def migrate(p, names, *args):
    return p.run("migrate", "dns-01", "--names", names, "--wildcard", "--timeout", "20", *args)


def test_to_standing_records(world):
    knot, ca, staging, p, names = world
    serials = knot.serials()
    dry = migrate(p, names, "--dry-run")
    assert dry.rc == 0 and "12 to add" in dry.out, dry
    assert migrate(p, names).rc == 2 and knot.serials() == serials

    done = migrate(p, names, "--staging", "stage", "--yes", "--json")
    assert done.rc == 4, done
    verdicts = {(n["name"], n["ca"]): n["verdict"] for n in kinds(done, "name")}
    assert len(verdicts) == 6 * 2 * 2
    assert {v for (name, _), v in verdicts.items() if not name.endswith(ZONES[5])} == {"accepted"}
    assert {v for (name, _), v in verdicts.items() if name.endswith(ZONES[5])} == {"refused"}
    assert {r["name"]: r["result"] for r in kinds(done, "rehearsal")} == {z: "passed" for z in ZONES[:5]}
    assert [(s["owner"], s["type"], s["data"]) for s in kinds(done, "stale")] == [
        ("_acme-challenge." + ZONES[0], "TXT", f'"{DIGEST}"'), ("_acme-challenge." + ZONES[1], "CNAME", "w02.elsewhere.test.")]
    assert kinds(done, "summary") == [{"kind": "summary", "domains": 6, "ready": 5, "passed": 5, "stale": 2}]
    assert not os.path.exists(os.path.join(p.state_dir, "live"))

    # Again: nothing is written, nothing is rehearsed again; what was missing is added by other means, and goes on.
    serials, orders = knot.serials(), staging.log_requests()["order-plz"]
    again = migrate(p, names, "--staging", "stage", "--yes", "--json")
    assert again.rc == 4, str(again)[-3000:]
    assert knot.serials() == serials and staging.log_requests()["order-plz"] == orders, again
    assert {r["result"] for r in kinds(again, "rehearsal")} == {"passed before"}
    exported = p.run("migrate", "dns-01", ZONES[5], "*." + ZONES[5], "--format", "zone").ok().out
    knot.nsupdate([line for line in exported.splitlines() if line and line[0] not in ";$"])
    last = migrate(p, names, "--staging", "stage", "--yes", "--json").ok()
    assert [r["name"] for r in kinds(last, "rehearsal") if r["result"] == "passed"] == [ZONES[5]]
    assert kinds(last, "summary")[0]["ready"] == 6
    written = set().union(*map(fields, done.lines() + last.lines()))
    wanted = page()["migrate dns-01"] | page()["record apply"]
    assert written - {f for f in page()["any command that fails"]} <= wanted and written >= page()["migrate dns-01"], written ^ wanted


def test_a_staging_that_refuses(world):
    """Its own records are there, but CAA names another CA: nothing is said to be deletable at that domain."""
    knot, _, _, p, names = world
    knot.nsupdate([f'{ZONES[0]}. 60 CAA 0 issue "nobody.test"'])
    harness.write(names, f"{ZONES[0]} {ZONES[1]}\n")
    done = migrate(p, names, "--staging", "stage", "--yes", "--json")
    assert done.rc == 4, done
    assert {n["verdict"] for n in kinds(done, "name") if n["name"].endswith(ZONES[0])} == {"refused"}
    assert [r["name"] for r in kinds(done, "rehearsal")] == [ZONES[1]]
    assert [s["owner"] for s in kinds(done, "stale")] == ["_acme-challenge." + ZONES[1]]


def test_to_delegation(world):
    knot, _, _, p, names = world
    harness.write(names, "\n".join(ZONES[2:5]) + "\n")
    text = p.run("migrate", "dns-01", "--names", names, "--to", "delegation", "--format", "zone").ok().out
    assert "CNAME" in text and "_acme-challenge" in text
    done = migrate(p, names, "--to", "delegation", "--yes", "--json").ok()
    assert {n["name"]: n["verdict"] for n in kinds(done, "name")} == {z: "delegated" for z in ZONES[2:5]}
    serials = knot.serials()
    migrate(p, names, "--to", "delegation", "--yes").ok()
    assert knot.serials() == serials
    # The rehearsal writes behind the CNAMEs, and takes out again what it wrote.
    done = migrate(p, names, "--to", "delegation", "--staging", "stage", "--yes", "--json").ok()
    assert {r["name"]: r["result"] for r in kinds(done, "rehearsal")} == {z: "passed" for z in ZONES[2:5]}
    after = knot.serials()
    assert after.pop("auth.bench.test") != serials.pop("auth.bench.test") and after == serials
    assert "TXT" not in knot.control("zone-read", "auth.bench.test")
    assert not os.path.exists(os.path.join(p.state_dir, "live"))
    done = migrate(p, names, "--to", "delegation", "--staging", "stage", "--yes", "--json").ok()
    assert {r["result"] for r in kinds(done, "rehearsal")} == {"passed before"}
    # One that leads elsewhere, and one with a value in the way.
    harness.write(names, "\n".join(ZONES[:2]) + "\n")
    done = migrate(p, names, "--to", "delegation", "--yes", "--json")
    assert done.rc in (1, 4), done
    assert {n["verdict"] for n in kinds(done, "name")} == {"not delegated"} and all(n["fix"] for n in kinds(done, "name"))


def test_wrong_words(world):
    _, _, _, p, names = world
    for args, says in ((["--to", "nowhere"], "persist or delegation"), (["--staging", "none"], 'no CA "none"'),):
        done = migrate(p, names, *args)
        assert done.rc == 2 and says in done.err, done
    assert p.run("migrate", "dns-01").rc == 2
