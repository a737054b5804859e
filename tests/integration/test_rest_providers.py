"""Hetzner Cloud DNS, DigitalOcean and deSEC beyond what all providers must do (test_provider_http.py)."""
import os

import pytest

from rest_doubles import Desec, DigitalOcean, Hetzner
from test_provider_http import World


@pytest.fixture
def world(stage, make_knot):
    return lambda double, **kw: World(stage, make_knot, double, **kw)


def undo(w):
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    return w.apply("--no-wait", "--undo", run[:-6])


def test_hetzner_keeps_the_ttl_of_the_zone(world):
    """An RRset without a TTL has the zone's: adding a value gives it none."""
    w = world(Hetzner, n=1)
    zone, relative = w.api.split(w.owner())
    w.api.zones[zone][relative, "TXT"] = [None, [('"other"', "by hand")]]
    w.apply("--no-wait")
    assert w.api.zones[zone][relative, "TXT"] == [None, [('"other"', "by hand"), (w.value, "perdure")]]
    undo(w)
    assert w.api.zones[zone][relative, "TXT"] == [None, [('"other"', "by hand")]]


def test_hetzner_waits_for_a_locked_zone(world):
    w = world(Hetzner, n=2)
    w.api.locked = 2
    w.apply()
    assert [w.api.stands(w.owner(i)) for i in range(2)] == [[w.value]] * 2


def test_hetzner_an_action_that_fails_later(world):
    w = world(Hetzner, n=1)
    w.api.fail = "the zone file could not be written"
    (line,) = w.apply("--json", rc=75).lines()
    assert line["outcome"] == "not served yet" and "the zone file could not be written" in line["error"]


def test_digitalocean_the_same_record_twice(world):
    """It is one value, and goes as a whole."""
    w = world(DigitalOcean, n=1)
    w.apply("--no-wait")
    w.api.put(w.owner(), "TXT", w.value)
    w.api.put(w.owner(), "TXT", '"other"')
    assert w.api.stands(w.owner()) == sorted([w.value, w.value, '"other"'])
    undo(w)
    assert w.api.stands(w.owner()) == ['"other"']


def test_desec_overwritten_at_the_last_moment(world):
    """Another writes the RRset right after us: the servers never get it, reading back shows why, and both values end up there."""
    w = world(Desec, n=1)
    zone, relative = w.api.split(w.owner())
    handle, times = w.api.handle, []

    def overwritten(method, path, query, body, headers):
        done = handle(method, path, query, body, headers)
        if method == "PATCH" and not times:
            times.append(1)
            w.api.zones[zone][relative, "TXT"] = [3600, [('"other"', None)]]
            w.api.push(zone, relative, "TXT")
        return done

    w.api.handle = overwritten
    w.apply(timeout="1")
    assert times and w.api.stands(w.owner()) == sorted([w.value, '"other"'])


def test_desec_changed_while_others_were_read(world):
    """Many names of a zone go in one call. What somebody writes to one of them after it was read is seen right before that."""
    w = world(Desec, n=1)
    names = [f"h{i}.{w.zones[0]}" for i in range(12)]
    w.p.configure({**w.config, "certificates": [{"names": [name]} for name in names]})
    other, handle, reads = "_validation-persist.h0." + w.zones[0], w.api.handle, []

    def meanwhile(method, path, query, body, headers):
        if method == "GET" and query.get("subname"):
            reads.append(query["subname"])
        if len(reads) == 12 and reads.pop():
            w.api.zones[w.zones[0]].setdefault(("_validation-persist.h0", "TXT"), [3600, []])[1].append(('"theirs"', None))
            w.api.push(w.zones[0], "_validation-persist.h0", "TXT")
            reads.extend([""] * 100)
        return handle(method, path, query, body, headers)

    w.api.handle = meanwhile
    w.apply("--no-preflight")
    assert len(w.api.stands(other)) == 2 and '"theirs"' in w.api.stands(other)
    assert all(len(w.api.stands("_validation-persist." + name)) == 1 for name in names[1:])
    assert len([c for c in w.api.calls if c[0] == "PATCH"]) <= 8  # halves, down to the name that it was


@pytest.mark.parametrize("double", [Hetzner, DigitalOcean, Desec], ids=lambda d: d.KIND)
def test_a_list_of_zones_that_is_too_long(world, double):
    """After ten pages the zones that the configuration names are asked for one by one."""
    w = world(double, n=11, page=1)
    w.config["providers"][0]["zones"] = [w.zones[0], w.zones[10]]
    w.p.configure(w.config)
    w.apply("--no-wait", w.zones[0], w.zones[10])
    assert [len(w.api.stands(w.owner(i))) for i in (0, 10)] == [1, 1]
    # Ten pages, which name the first; the names of both records and the second zone; a read and a write each.
    assert len(w.api.counted()) == 10 + 3 + 2 * (1 + 1), w.api.calls


@pytest.mark.parametrize("double, words", [
    (Hetzner, ["Read & Write", "whole project"]),
    (DigitalOcean, ["Custom Scopes", "every domain"]),
    (Desec, ['{"domain": "w01.bench.test", "subname": "_validation-persist", "type": "TXT", "perm_write": true}', '"domain": null']),
], ids=lambda x: getattr(x, "KIND", ""))
def test_policies(world, double, words):
    w = world(double, n=2)
    w.config["providers"][0]["zones"] = w.zones
    w.p.configure(w.config)
    done = w.p.run("provider", "policy", double.KIND)
    assert done.rc == 0 and all(x in done.out for x in words) and "0600" in done.out, done.out
    if double is Desec:
        assert done.out.count('"perm_write": true') == 2
