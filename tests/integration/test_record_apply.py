"""
`record plan` and `record apply` against a real Knot by RFC 2136: what is missing is added, what is ours gives way, what is of others stays, whatever
happens meanwhile; a plan that has become old is refused; what was done can be undone.
"""
import json
import os
import re
import signal
import threading
import time

import pytest

import harness
from recordworld import World, actions, has
from small_servers import Directory, ZoneServer, free_port_on

FOREIGN = '"v=spf1 -all; somebody \\"else\\"" "second string"'


@pytest.fixture
def world(stage, make_knot):
    return lambda *a, **kw: World(stage, make_knot, *a, **kw)


def test_missing_records_are_published_and_those_of_others_stay(world):
    w = world(records={"w01.bench.test": [f"_validation-persist TXT {FOREIGN}"]})
    before = w.stands(1)
    assert len(before) == 1
    plan = w.plan()
    assert [actions(plan[w.owner(i)]) for i in range(3)] == [["add"], ["add", "unknown"], ["add"]]
    assert {r["provider"] for r in plan.values()} == {"edge"} and {r["zone"] for r in plan.values()} == set(w.zones)
    done = w.apply()
    assert re.search(r"3 done, 0 not served yet, 0 shifted, 0 failed", done.out), done
    assert all(has(w, i, w.want()) for i in range(3)) and before[0] in w.stands(1) and len(w.stands(1)) == 2
    assert all(actions(r) in (["keep"], ["keep", "unknown"]) for r in w.plan().values())
    serials = w.knot.serials()
    w.apply()
    assert w.knot.serials() == serials and len(w.runs()) == 1
    assert w.p.run("record", "plan", "--exit-code").rc == 3


def test_nothing_happens_without_consent(world):
    w = world()
    serials = w.knot.serials()
    assert w.p.run("record", "plan").rc == 0
    dry = w.p.run("record", "apply", "--dry-run")
    assert dry.rc == 0 and "3 to add" in dry.out and "every name below it (policy=wildcard)" in dry.out
    assert "3 of 3 records have policy=wildcard" in dry.out and [i["wildcard"] for r in w.plan().values() for i in r["items"]] == [True] * 3
    asked = w.p.run("record", "apply")
    assert asked.rc == 2 and "--yes" in asked.err
    assert w.knot.serials() == serials and not w.runs()


def test_a_record_that_is_not_enough_gives_way_to_one_that_is(world):
    w = world(n=1, records={"w00.bench.test": [f"_validation-persist TXT {FOREIGN}"]})
    w.knot.nsupdate([f'{w.owner()} 60 TXT "{w.want("")}"'])
    plan = w.plan()[w.owner()]
    assert actions(plan) == ["change", "unknown"]
    w.apply()
    assert has(w, 0, w.want()) and not has(w, 0, w.want("")) and len(w.stands()) == 2


def test_what_no_certificate_needs_is_removed_only_when_asked(world):
    w = world(n=1)
    w.knot.nsupdate([f'{w.owner()} 60 TXT "{w.want()}"', f'{w.owner()} 60 TXT "{w.want(";policy=wildcard;persistUntil=5000000000")}"'])
    assert actions(w.plan()[w.owner()]) == ["keep", "remove"]
    w.apply()
    assert len(w.stands()) == 2
    w.apply("--remove")
    assert len(w.stands()) == 1 and has(w, 0, w.want())


def test_a_plan_is_refused_where_its_ground_has_shifted(world, tmp_path):
    w = world()
    plan = str(tmp_path / "plan.json")
    w.plan("--out", plan)
    w.knot.nsupdate([f"{w.owner(1)} 60 TXT {FOREIGN}"])
    done = w.apply("--json", plan, rc=4)
    outcomes = {line["owner"]: line for line in done.lines()}
    assert [outcomes[w.owner(i)]["outcome"] for i in range(3)] == ["served", "shifted", "served"]
    assert "new plan" in outcomes[w.owner(1)]["hint"]
    assert not has(w, 1, w.want()) and len(w.stands(1)) == 1
    # what was done already is no shift
    assert {line["outcome"] for line in w.p.run("record", "apply", "--yes", "--json", plan).lines()} == {"nothing", "shifted"}
    w.plan("--out", plan)
    w.apply(plan)
    assert has(w, 1, w.want()) and len(w.stands(1)) == 2


def test_undo_takes_back_exactly_what_was_done(world):
    w = world(n=2, records={"w01.bench.test": [f"_validation-persist TXT {FOREIGN}"]})
    w.knot.nsupdate([f'{w.owner()} 60 TXT "{w.want("")}"'])
    before = [w.stands(i) for i in range(2)]
    w.apply()
    w.knot.nsupdate([f'{w.owner(1)} 60 TXT "came later"'])
    (run,) = w.runs()
    assert run.startswith(time.strftime("%Y", time.gmtime()))
    w.apply("--undo", run)
    assert w.stands(0) == before[0]
    assert [v for v in w.stands(1) if "later" not in v] == before[1] and any("later" in v for v in w.stands(1))
    unknown = w.p.run("record", "apply", "--undo", "20000101T000000Z-1")
    assert unknown.rc == 2 and "the latest is" in unknown.err


def test_an_alias_in_the_way_is_told_before_anything_is_written(world):
    w = world(n=2, records={"w00.bench.test": ["_validation-persist CNAME elsewhere.w01.bench.test."]})
    plan = w.plan(rc=4)[w.owner()]
    assert actions(plan) == ["blocked"] and "alias of elsewhere" in plan["blocked"]
    w.apply(rc=4)
    assert has(w, 1, w.want()) and not any("ca.test" in v for v in w.stands(0))


def test_a_record_that_would_hurt_is_held_back(world):
    """A new name below a wildcard takes it away from the wildcard for as long as it stands."""
    w = world(n=1, wildcard=False, records={"w00.bench.test": ["* A 192.0.2.1", "there A 192.0.2.2", "sub NS ns.elsewhere.test."]})
    for name, held in (("new.w00.bench.test", True), ("there.w00.bench.test", False)):
        plan = w.p.run("record", "plan", "--json", name)
        (rrset,) = plan.lines()
        assert actions(rrset) == (["blocked"] if held else ["add"]) and plan.rc == (4 if held else 0)
        assert not held or "--no-preflight" in rrset["blocked"]
    assert w.p.run("record", "apply", "--yes", "new.w00.bench.test").rc == 4
    assert not w.stands(owner="_validation-persist.new.w00.bench.test")
    w.apply("--no-preflight", "new.w00.bench.test")
    assert len(w.stands(owner="_validation-persist.new.w00.bench.test")) == 1


def test_writers_at_once_lose_nothing(world):
    """Two perdures for the same names, and nsupdate adding values of others to them all the while."""
    n = 12
    w = world(n=n)
    other = harness.Perdure(w.stage, {**w.config, "cas": [w.ca.config_entry(), {**w.ca.config_entry(), "name": "second", "issuer": "second.test"}],
                                      "defaults": {"ca": ["ca", "second"]}})
    stop, written = threading.Event(), []

    def third_party():
        k = 0
        while not stop.is_set() and k < 20:
            for i in range(n):
                w.knot.nsupdate([f'{w.owner(i)} 60 TXT "foreign {k}"'])
            written.append(k)
            k += 1

    writer = threading.Thread(target=third_party)
    writer.start()
    try:
        runs = [p.start("record", "apply", "--yes", "--no-wait", "--quiet") for p in (w.p, other)]
        assert [r.wait(60) for r in runs] == [0, 0]
    finally:
        stop.set()
        writer.join()
    assert written
    for i in range(n):
        values = w.stands(i)
        assert has(w, i, w.want()) and has(w, i, w.want().replace("ca.test", "second.test"))
        assert len([v for v in values if "foreign" in v]) == len(written) and len(values) == len(written) + 2


def test_one_write_for_each_record(world):
    w = world(n=47)
    before = w.knot.serials()
    done = w.apply()
    assert "47 done" in done.out and re.search(r"with \d+ calls", done.out)
    after = w.knot.serials()
    assert {z: int(after[z]) - int(before[z]) for z in w.zones} == {z: 1 for z in w.zones}


def test_many_records_of_a_zone_in_few_writes(world):
    """150 names are at most three updates, since 128 are in work at once. The journal has each of them, and what is of others stays."""
    w = world(n=1)
    names = [f"h{i}.{w.zones[0]}" for i in range(150)]
    owners = ["_validation-persist." + n for n in names]
    w.knot.nsupdate([f"{owners[7]} 60 TXT {FOREIGN}"])
    w.p.configure({**w.config, "certificates": [{"names": [n]} for n in names]})
    first = w.knot.serials()[w.zones[0]]
    w.apply("--no-preflight")
    assert int(w.knot.serials()[w.zones[0]]) - int(first) <= 3
    assert [len(w.stands(owner=o)) for o in (owners[0], owners[7], owners[149])] == [1, 2, 1]
    (run,) = w.runs()
    with open(os.path.join(w.p.state_dir, "records", run + ".jsonl"), encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    assert len(lines) == 300 and sum(line.get("outcome") == "changed" for line in lines) == 150
    assert [line["before"] for line in lines if line["owner"] == owners[7] and "before" in line] == [[FOREIGN]]
    w.apply("--undo", run)
    assert int(w.knot.serials()[w.zones[0]]) - int(first) <= 6
    assert [w.stands(owner=o) for o in (owners[0], owners[7], owners[149])] == [[], [FOREIGN], []]


def test_killed_in_the_middle(world):
    w = world(n=40)
    process = w.p.start("record", "apply", "--yes", "--quiet")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None and not any(w.stands(i) for i in (0, 1, 2)):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    (run,) = w.runs()
    text = harness.read(os.path.join(w.p.state_dir, "records", run + ".jsonl"))
    meant = {json.loads(line)["owner"] for line in text.splitlines() if '"provider"' in line}
    there = {w.owner(i) for i in range(40) if has(w, i, w.want())}
    assert there and there <= meant
    w.apply("--undo", run)
    assert not any(w.stands(i) for i in range(40))
    w.apply()
    assert all(w.stands(i) == [v for v in w.stands(i)] and has(w, i, w.want()) and len(w.stands(i)) == 1 for i in range(40))


def test_the_key_is_nowhere(world, tmp_path):
    w = world(n=1)
    plan = str(tmp_path / "plan.json")
    w.plan("--out", plan)
    done = w.p.run("-vv", "record", "apply", "--yes", plan)
    secret = harness.read(w.knot.tsig_file).strip().split(":")[2]
    wrong = harness.write(os.path.join(w.p.folder, "wrong.tsig"), f"hmac-sha256:wrong:{secret}\n", 0o600)
    bad = harness.Perdure(w.stage, {**w.config, "providers": [{**w.config["providers"][0], "tsig": {"file": wrong}}]})
    refused = bad.run("record", "apply", "--yes", "-vv", "new.w00.bench.test")
    assert done.rc == 0 and refused.rc == 1 and "wrong" in refused.out, refused
    texts = [done.out, done.err, refused.out, refused.err, harness.read(plan)]
    for p in (w.p, bad):
        for folder, _, files in os.walk(p.state_dir):
            texts += [open(os.path.join(folder, f), encoding="latin-1").read() for f in files]
    assert not any(w.knot.tsig_secret in t for t in texts)


def test_no_provider(world):
    w = world(n=1)
    p = harness.Perdure(w.stage, {k: v for k, v in w.config.items() if k != "providers"})
    assert [i["action"] for r in p.run("record", "plan", "--json").lines() for i in r["items"]] == ["add"]
    done = p.run("record", "apply", "--yes")
    assert done.rc == 1 and "no provider is configured" in done.out and "record export" in done.out, done


def test_servers_that_do_not_agree_are_named(stage):
    """What one of them says otherwise, or that one says nothing, is told with the plan."""
    ca = Directory(stage)
    value = f'"ca.test;accounturi={ca.base}/acct/1"'
    port = free_port_on(["127.0.0.2", "127.0.0.3"])
    servers = [ZoneServer(stage, a, port, "example.test", lines)
               for a, lines in (("127.0.0.2", [f"_validation-persist TXT {value}"]), ("127.0.0.3", ["other TXT x"]))]
    stub = {"zone": "example.test", "servers": ["127.0.0.2", "127.0.0.3"], "port": port}
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"stubs": [stub], "timeout": "1s"}, "certificates": [{"names": ["example.test"]}]})
    (rrset,) = p.run("record", "plan", "--json").lines()
    assert "do not agree" in rrset["servers"] and "127.0.0." in rrset["servers"]
    assert "do not agree" in p.run("record", "plan").out
    servers[1].change([f"_validation-persist TXT {value}"])
    (rrset,) = p.run("record", "plan", "--json").lines()
    assert rrset["servers"] is None and actions(rrset) == ["keep"]
    servers[1].stop()
    (rrset,) = p.run("record", "plan", "--json").lines()
    assert "nobody knows what" in rrset["servers"] and actions(rrset) == ["keep"]
