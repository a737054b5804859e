"""Google Cloud DNS and Azure DNS beyond what all providers must do (test_provider_http.py): tokens, key files, zones, exact forms, rights."""
import json
import os
import re

import pytest

import harness
from cloud_doubles import Azure, Google
from provider_calls import Calls
from test_provider_http import World

STEPS = ["credentials", "zone", "read", "write", "sync", "visible", "remove"]


@pytest.fixture
def world(stage, make_knot):
    return lambda double, **kw: World(stage, make_knot, double, **kw)


def other(w, **more):
    """The same with other keys of the provider; None takes one out."""
    entry = {k: v for k, v in {**w.config["providers"][0], **more}.items() if v is not None}
    return harness.Perdure(w.stage, {**w.config, "providers": [entry]})


def undo(w, p=None):
    (run,) = os.listdir(os.path.join((p or w.p).state_dir, "records"))
    return w.apply("--no-wait", "--undo", run[:-6], p=p)


def seen(w, *runs):
    """That no secret is in what was printed."""
    assert not any(s in r.out + r.err for s in w.api.secrets() for r in runs)


@pytest.mark.parametrize("double, machine", [
    (Google, {"credentials_file": None, "project": None}),
    (Azure, {"client_secret_file": None, "tenant": None}),
], ids=lambda x: getattr(x, "KIND", ""))
def test_a_trial_with_a_file_and_with_the_machines_identity(world, double, machine):
    w = world(double, n=1)
    for p in (w.p, other(w, auth="metadata", **machine)):
        done = p.run("provider", "test", double.KIND, "--zone", w.zones[0], "-vv").ok()
        assert [s for s in re.findall(r"^ok +(\w+)", done.out, re.M)] == [s for s in STEPS if s != "sync" or double.POLLS]
        assert not any(v for sets in w.api.zones.values() for v in sets.values() if v[1])
        seen(w, done)
    metadata = [path for _, path in w.api.token_paths() if "etadata" in path]
    assert len(w.api.given) == 2 and metadata
    done = other(w, auth="metadata").run("config", "check")
    assert done.rc == 2 and "there is no" in done.err and "_file" in done.err, done


@pytest.mark.parametrize("double", [Google, Azure], ids=lambda x: x.KIND)
def test_one_token_for_all_and_another_when_it_is_refused(world, double):
    w = world(double, n=6)
    w.apply()
    assert len(w.api.token_paths()) == 1
    # Taken back right after it was given, each time but the last: each call is repeated once, with a new one.
    grant, left = w.api.new_token, [2]

    def short():
        token = grant()
        if left[0]:
            left[0] -= 1
            w.api.tokens[token] = 0
        return token

    w.api.new_token = short
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    refused = w.p.run("record", "apply", "--yes", "--no-wait", "--undo", run[:-6], "-vv")
    assert refused.rc == 1 and "HTTP 401" in refused.out + refused.err
    w.apply("--no-wait", "--undo", run[:-6])
    assert not any(w.api.stands(w.owner(i)) for i in range(6))
    seen(w, refused)


@pytest.mark.parametrize("change, words", [
    (lambda d: "CANARY4711 is no JSON", "is not JSON"),
    (lambda d: json.dumps({**d, "type": "authorized_user"}), "the key of a service account"),
    (lambda d: json.dumps({**d, "private_key": d["private_key"].replace("A", "B")}), "no good private_key"),
    (lambda d: json.dumps({k: v for k, v in d.items() if k != "client_email"}), "no client_email"),
    (lambda d: json.dumps({k: v for k, v in d.items() if k != "project_id"}), "says the project"),
    (lambda d: json.dumps({**d, "token_uri": "http://192.0.2.1/token"}), "in the clear"),
], ids=["no JSON", "a user", "key", "mail", "project", "plain http"])
def test_google_key_files(world, change, words):
    w = world(Google, n=1)
    harness.write(w.config["providers"][0]["credentials_file"], change(w.api.credentials()), 0o600)
    done = w.p.run("provider", "test", "google", "--zone", w.zones[0], "-vv")
    assert done.rc == 2 and words in done.out + done.err and "CANARY" not in done.out + done.err and not w.api.calls, done
    seen(w, done)


def test_google_clock(world):
    """What Google says of a clock that is off is said as that."""
    w = world(Google, n=1)
    w.api.grant = lambda body: (400, {"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                                      "reasonable timeframe. Check your iat and exp values in the JWT claim."})
    answer = json.loads(w.p.run("provider", "test", "google", "--zone", w.zones[0], "--json").out)
    assert answer["cause"] == "clock" and "NTP" in answer["hint"]


def test_google_zones(world):
    """Private zones do not count, and are said; of several public ones the configuration has to say which; then none are listed."""
    w = world(Google, n=2)
    w.api.private += w.zones
    records = w.api.zones.pop(w.zones[1])
    (line,) = w.apply("--json", w.zones[1], rc=1).lines()
    assert f"{w.owner(1)} is in its zone {w.zones[1]}, which is a private zone" in line["error"]
    w.api.zones[w.zones[1]] = records
    w.api.twins["second"] = w.zones[0]
    (line,) = w.apply("--no-wait", "--json", w.zones[0], rc=1).lines()
    assert "several public zones" in line["error"] and "second" in line["error"] and "zone_ids" in line["hint"]
    assert not w.api.stands(w.owner())
    w.api.may_list = False
    done = w.p.run("provider", "test", "google", "--zone", w.zones[0], "--json")
    assert json.loads(done.out)["cause"] == "policy" and "Forbidden" in json.loads(done.out)["error"]
    w.apply("--no-wait", p=other(w, zone_ids=[w.api.managed(z) for z in w.zones]))
    assert [w.api.stands(w.owner(i)) for i in range(2)] == [[w.value]] * 2


def test_google_values_of_others_in_their_exact_form(world):
    """A set is deleted by its exact old form only: other spellings, strings split elsewhere, a TTL of its own."""
    w = world(Google, n=1)
    odd = ['"caf\\195\\169 \\"x\\" \\\\"', '"a" "b"', '""']
    zone, relative = w.api.split(w.owner())
    w.api.zones[zone][relative, "TXT"] = [77, [(v, None) for v in odd]]
    w.apply("--no-wait")
    assert w.api.zones[zone][relative, "TXT"] == [77, [(v, None) for v in [*odd, w.value]]]
    undo(w)
    assert w.api.zones[zone][relative, "TXT"] == [77, [(v, None) for v in odd]]


def test_google_policy(world):
    w = world(Google, n=2)
    done = other(w, project="acme-prod", zone_ids=["zone-a", "zone-b"]).run("provider", "policy", "google").ok()
    assert "dns.changes.create" in done.out and "managedZones.list" not in done.out and "set-iam-policy zone-b --project=acme-prod" in done.out
    assert "dns.managedZones.list" in w.p.run("provider", "policy", "google").ok().out


@pytest.mark.parametrize("double", [Google, Azure], ids=lambda x: x.KIND)
def test_records_of_other_types(world, double):
    """CNAME and CAA, each read, written beside what is there, and removed; what cannot stand beside each other is refused by the cause."""
    w = world(double, n=1)
    calls, name = Calls(w.p.config_file, double.KIND), "x." + w.zones[0]
    other_caa, caa = '0 iodef "mailto:a@b.test"', '128 issue "ca.test;accounturi=https://ca.test/a?b=\\"c\\""'
    assert calls.ensure(name, "CAA", 300, "+" + other_caa)["outcome"] == "changed"
    assert sorted(calls.ensure(name, "CAA", 300, "+" + caa)["values"]) == sorted([other_caa, caa])
    answer = calls.ensure(name, "CNAME", 300, "+elsewhere.test.")
    assert not answer["ok"] and answer["cause"] == "cname", answer
    assert calls.ensure(name, "CAA", 300, "-" + other_caa, "-" + caa)["values"] == []
    assert calls.ensure(name, "CNAME", 300, "+elsewhere.test.")["outcome"] == "changed"
    assert calls.ensure(name, "CNAME", 300, "-elsewhere.test.", "+another.test.")["values"] == ["another.test."]
    answer = calls.ensure(name, "TXT", 300, '+"text"')
    assert not answer["ok"] and answer["cause"] == "cname", answer
    assert not any(s in calls.output for s in w.api.secrets())


def test_azure_values_and_metadata_of_others(world):
    """A set is written whole: strings split elsewhere, long ones, letters of all kinds, the TTL, and what others noted beside it."""
    w = world(Azure, n=1)
    zone, relative = w.api.split(w.owner())
    odd = ['"caf\u00e9 \\"x\\" \\\\"', '"a" "b"', '""', '"' + "l" * 200 + '" "' + "m" * 255 + '"']
    w.api.zones[zone][relative, "TXT"] = [77, [(v, None) for v in odd]]
    w.api.push(zone, relative, "TXT")
    w.api.more[zone, relative, "TXT"] = {"metadata": {"owner": "the \"other\" team"}}
    w.apply("--no-wait")
    assert w.api.zones[zone][relative, "TXT"] == [77, [(v, None) for v in [*odd, w.value]]]
    undo(w)
    assert w.api.zones[zone][relative, "TXT"] == [77, [(v, None) for v in odd]]
    assert w.api.more[zone, relative, "TXT"] == {"metadata": {"owner": "the \"other\" team"}}
    calls = Calls(w.p.config_file, "azure")
    assert calls.ensure(w.owner(), "TXT", 77, '+"\\255"')["cause"] == "size"
    w.api.more[zone, relative, "TXT"] = {"targetResource": {"id": "/subscriptions/x"}}
    assert "alias of another resource" in calls.one("read", w.owner(), "TXT")["message"]


def test_azure_an_empty_set(world):
    """It is there, with an ETag, and holds nothing."""
    w = world(Azure, n=1)
    zone, relative = w.api.split(w.owner())
    w.api.zones[zone][relative, "TXT"] = [300, []]
    w.api.push(zone, relative, "TXT")
    w.apply("--no-wait")
    assert w.api.stands(w.owner()) == [w.value]


@pytest.mark.parametrize("more, cause, words", [
    ({"resource_group": "other"}, "no-zone", "ResourceGroupNotFound"),
    ({"subscription": "other"}, "no-zone", "SubscriptionNotFound"),
    ({"auth": "metadata", "client_secret_file": None, "tenant": None, "client_id": "another"}, "key", "Identity not found"),
], ids=["group", "subscription", "identity"])
def test_azure_errors(world, more, cause, words):
    w = world(Azure, n=1)
    for zones in (None, w.zones):
        answer = json.loads(other(w, zones=zones, **more).run("provider", "test", "azure", "--zone", w.zones[0], "--json").out)
        assert answer["cause"] == cause and words in answer["error"], answer


def test_azure_zones(world):
    """Lists go on behind a link; those that the configuration names can do without; private ones do not count."""
    w = world(Azure, n=3, page=2)
    w.api.private.append(w.zones[0])
    records = w.api.zones.pop(w.zones[0])
    (line,) = w.apply("--json", w.zones[0], rc=1).lines()
    assert "which is a private zone" in line["error"]
    w.api.zones[w.zones[0]] = records
    w.apply("--no-wait")
    w.api.may_list = False
    done = w.p.run("provider", "test", "azure", "--zone", w.zones[0], "--json")
    assert json.loads(done.out)["cause"] == "policy" and "AuthorizationFailed" in json.loads(done.out)["error"]
    w.apply("--no-wait", "x." + w.zones[0], p=other(w, zones=w.zones[:1]))
    assert len(w.api.stands("_validation-persist.x." + w.zones[0])) == 1


def test_azure_policy(world):
    w = world(Azure, n=2)
    done = other(w, zones=w.zones).run("provider", "policy", "azure").ok()
    assert done.out.count("/TXT/_validation-persist\n") == 2 and '"Microsoft.Network/dnsZones/TXT/write"' in done.out and "0600" in done.out
    for role in re.findall(r"--role-definition '(.*?)'", done.out, re.S):
        assert set(json.loads(role)) == {"Name", "IsCustom", "Actions", "AssignableScopes"}
    assert "dnsZones/ZONE" in w.p.run("provider", "policy", "azure").ok().out
