"""Token records: published, rotated, exported; the secret is in the DNS, in its file and in what must be taken back, and nowhere else."""
import os
import re

import pytest

import harness
from recordworld import World, actions

FOREIGN = '"service-proof=somebody-elses-value"'
NAME = "_service-proof.w00.bench.test"


@pytest.fixture
def world(stage, make_knot):
    def make(**token):
        w = World(stage, make_knot, 1, records={"w00.bench.test": [f"_service-proof 2 TXT {FOREIGN}"]})
        w.config = {**w.config, "tokens": [{"name": NAME, "prefix": "service-proof=", "ttl": "2s", **token}]}
        w.p.configure(w.config)
        return w

    return make


def secret(w, name=NAME):
    path = os.path.join(w.p.state_dir, "tokens", name)
    assert oct(os.stat(path).st_mode)[-3:] == "600"
    return harness.read(path).strip()


def values(w):
    return sorted(v.strip('"') for v in w.stands(owner=NAME))


def found_in(w, text, but=("tokens/", "records/")):
    """Files below the state directory that have the text, apart from those that must."""
    hits = []
    for folder, _, files in os.walk(w.p.folder):
        for f in files:
            path = os.path.relpath(os.path.join(folder, f), w.p.folder)
            if text in open(os.path.join(folder, f), encoding="latin-1").read() and not any("state/" + b in path for b in but):
                hits.append(path)
    return hits


def test_a_made_token_is_published_and_rotated(world, tmp_path):
    w = world()
    plan_file = str(tmp_path / "plan.json")
    shown = w.p.run("record", "plan", "--out", plan_file)
    first = secret(w)
    assert re.fullmatch(r"[\w-]{43}", first) and f"service-proof=[token {NAME} " in shown.out and "proves" in shown.out
    runs = [shown, w.p.run("-vv", "record", "plan", "--json"), w.p.run("-vv", "record", "apply", "--dry-run"), w.p.run("record", "apply")]
    applied = w.p.run("-vv", "record", "apply", "--yes", "--json", plan_file)
    assert applied.rc == 0 and values(w) == sorted(["service-proof=somebody-elses-value", "service-proof=" + first])
    runs += [applied, w.p.run("-vv", "record", "plan", "--json"), w.p.run("record", "plan", "-v")]
    assert actions({r["owner"]: r for r in runs[-2].lines()}[NAME]) == ["keep", "unknown"]

    runs.append(w.p.run("-vv", "record", "rotate", "--token", NAME, "--yes", "--json"))
    second = secret(w)
    assert runs[-1].rc == 75 and second != first
    assert values(w) == sorted(["service-proof=somebody-elses-value", "service-proof=" + first, "service-proof=" + second])
    runs.append(w.p.run("-vv", "record", "rotate", "--wait"))
    assert runs[-1].rc == 0 and values(w) == sorted(["service-proof=somebody-elses-value", "service-proof=" + second])
    runs.append(w.p.run("record", "plan", "--json"))
    assert actions({r["owner"]: r for r in runs[-1].lines()}[NAME]) == ["keep", "unknown"]
    # The old plan is about a value that is gone.
    refused = w.p.run("record", "apply", "--yes", plan_file)
    assert refused.rc == 4 and "shifted" in refused.out
    runs.append(refused)
    runs.append(w.p.run("record", "apply", "--undo", w.runs()[-1], "--dry-run"))
    assert "[token" in runs[-1].out, runs[-1]
    for value in (first, second):
        assert not any(value in r.out + r.err for r in runs), "the secret was shown"
        assert not found_in(w, value) and value not in harness.read(plan_file)


def test_a_token_from_a_file(world, tmp_path):
    path = harness.write(str(tmp_path / "proof.token"), "canary-one\n", 0o600)
    w = world(value_file=path, id="proof")
    w.apply()
    assert "service-proof=canary-one" in values(w)
    harness.write(path, "canary-two\n", 0o600)
    plan = w.plan()[NAME]
    assert actions(plan) == ["add", "remove", "unknown"] and "canary" not in str(plan)
    done = w.p.run("record", "rotate", "--token", "proof", "--yes", "--wait")
    assert done.rc == 0 and "canary" not in done.out + done.err
    assert values(w) == ["service-proof=canary-two", "service-proof=somebody-elses-value"]
    os.chmod(path, 0o644)
    refused = w.p.run("record", "plan")
    assert refused.rc == 2 and "token proof" in refused.err and "canary" not in refused.err
    assert w.p.run("record", "rotate", "--token", "other", "--yes").rc == 2


def test_a_token_that_is_no_longer_configured_is_forgotten(world):
    w = world()
    w.apply()
    first = secret(w)
    assert not any("remove" in actions(r) for r in w.p.run("record", "prune", "--dry-run", "--json").lines())
    w.p.configure({k: v for k, v in w.config.items() if k != "tokens"})
    done = w.p.run("record", "prune", "--yes")
    assert done.rc == 0 and values(w) == ["service-proof=somebody-elses-value"] and len(w.stands()) == 1
    w.p.configure({**w.config, "tokens": [{**w.config["tokens"][0], "prefix": "other="}]})
    shown = w.p.run("record", "prune", "--dry-run")
    assert shown.rc == 0 and "0 to add" in shown.out
    assert first == secret(w)


def test_a_provider_that_says_no_does_not_give_it_away(world):
    w = world()
    w.p.run("record", "plan")
    value = secret(w)
    w.knot.disable_updates()
    refused = w.p.run("-vv", "record", "apply", "--yes")
    assert refused.rc == 1 and value not in refused.out + refused.err


def test_exports(world):
    w = world()
    exported = w.p.run("record", "export", "--what", "tokens", "--format", "zone")
    assert f'{NAME}. 2 IN TXT "service-proof={secret(w)}"' in exported.out and "_validation-persist" not in exported.out
    template = w.p.run("record", "template", "--json").lines()
    assert {line["owner"] for line in template} == {NAME, w.owner()}
    assert secret(w) not in w.p.run("record", "export", "--format", "zone").out
    config = {**w.config, "cas": [{**w.ca.config_entry(), "issuer": "ca.test"}], "delegation": {"zone": "auth.bench.test"},
              "certificates": [{"names": w.zones, "validation": "delegation"}]}
    w.p.configure(config)
    lines = w.p.run("record", "export", "--what", "delegations", "--format", "zone", "--offline", "--zone", "bench.test").out
    assert "_acme-challenge.w00.bench.test. 86400 IN CNAME _w00-bench-test.auth.bench.test." in lines
    assert "every renewal changes this value" in lines
    policy = w.p.run("provider", "policy", "edge", "--json").json()
    assert policy["names"] == ["_acme-challenge.w00.bench.test", NAME, "_w00-bench-test.auth.bench.test"]
    assert "name _acme-challenge.w00.bench.test. CNAME;" in policy["policy"] and f"name {NAME}. TXT;" in policy["policy"]
    over = w.p.run("record", "export", "--what", "delegations", "--format", "zone", "--offline", "--zone", "bench.test", "--zone", "else.test",
                   "--validation-zone", "else.test", "x.bench.test")
    assert "CNAME _x-bench-test.else.test." in over.out, str(over)
