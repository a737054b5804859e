"""
`record plan` and `record apply` through providers with an HTTP interface. They cannot be had here: doubles (provider_doubles.py) stand in for them, strict
readings of the published descriptions, in front of a real Knot.
"""
import collections
import json
import os
import re
import threading

import pytest

import harness
from cloud_doubles import Azure, Google
from provider_doubles import Cloudflare
from rest_doubles import Desec, DigitalOcean, Hetzner
from route53_double import Route53
from small_servers import Directory

DOUBLES = [Cloudflare, Route53, Google, Azure, Hetzner, DigitalOcean, Desec]
BATCHES = [Cloudflare, Route53, Google, Desec]  # take all changes of a zone in one call


class World:
    def __init__(self, stage, make_knot, double, n=3, **kw):
        self.stage = stage
        self.zones = [f"w{i:02d}.bench.test" for i in range(n)]
        self.knot = make_knot(self.zones)
        self.ca = Directory(stage)
        self.api = double(stage, self.knot, self.zones, **kw)
        self.config = {"cas": [self.ca.config_entry()], "dns": {"stubs": [self.knot.stub()]}, "providers": [self.api.entry(stage.folder("keys"))],
                       "certificates": [{"names": [z, "*." + z]} for z in self.zones]}
        self.p = harness.Perdure(stage, self.config)
        self.value = f'"ca.test;accounturi={self.ca.base}/acct/1;policy=wildcard"'

    def owner(self, i=0):
        return "_validation-persist." + self.zones[i]

    def apply(self, *args, rc=0, p=None, timeout="30"):
        done = (p or self.p).run("record", "apply", "--yes", "--timeout", timeout, *args)
        assert done.rc == rc, done
        return done


@pytest.fixture(params=DOUBLES, ids=lambda d: d.KIND)
def world(stage, make_knot, request):
    return lambda *a, **kw: World(stage, make_knot, request.param, *a, **kw)


def test_published_beside_what_is_there_and_undone(world):
    w = world()
    foreign = w.api.FOREIGN
    w.api.put(w.owner(1), "TXT", foreign)
    w.apply()
    assert [w.api.stands(w.owner(i)) for i in range(3)] == [[w.value], sorted([w.value, foreign]), [w.value]]
    if w.api.MARKS:
        marks = w.api.marks(w.owner(1))
        assert marks[w.value] == "perdure" and not marks[foreign]
    before = len(w.api.calls)
    assert w.p.run("record", "apply", "--yes").rc == 0 and len(w.api.calls) == before
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    with open(os.path.join(w.p.state_dir, "records", run), encoding="utf-8") as f:
        journal = [line for line in map(json.loads, f) if line["owner"] == w.owner(1)]
    assert [line.get("before") for line in journal] == [[foreign], None] and sorted(journal[1]["after"]) == sorted([w.value, foreign])
    w.apply("--undo", run[:-6])
    assert [w.api.stands(w.owner(i)) for i in range(3)] == [[], [foreign], []]


def test_a_listed_zone_that_the_provider_does_not_have(world):
    """The next one above it is asked for by the same operation."""
    w = world(n=1)
    w.config["providers"][0]["zones"] = ["sub." + w.zones[0], w.zones[0]]
    w.p.configure(w.config)
    w.apply("--no-preflight", "x.sub." + w.zones[0])
    assert len(w.api.stands("_validation-persist.x.sub." + w.zones[0])) == 1


def test_a_limit_of_four_calls_a_second(world, request):
    """
    47 domains: a read and a write each, and the zones listed once; no call too many when the limit is known. (A higher limit and fewer domains where the
    double is not the first: only time is saved.)
    """
    n, rate = (47, 4) if request.node.callspec.params["world"] is DOUBLES[0] else (18, 16)
    w = world(n=n, rate=(rate, 1.0))
    w.config["providers"][0]["rate"] = rate
    w.p.configure(w.config)
    rc, out, seen = w.p.on_terminal("record", "apply", "--yes", "--timeout", "120")
    assert rc == 0 and f"{n} done" in out and all(w.api.stands(w.owner(i)) == [w.value] for i in range(n)), (out, seen)
    assert len(w.api.counted()) <= n * (1 + 1) + 1 and not w.api.too_many, [c for c, n in collections.Counter(w.api.calls).items() if n > 1]
    assert f"with {len(w.api.calls)} calls" in out
    steps = [(int(changed), int(served)) for changed, served in re.findall(rb"(\d+) of %d changed, (\d+) served" % n, seen)]
    assert steps == sorted(steps) and (n, n) in steps and len(steps) > n


@pytest.mark.long
def test_a_thousand_records_at_four_calls_a_second(world, request):
    """In one zone; minutes, all of which are waits. The same without the time: `a_thousand_records` of tests/unit/provider/test_rest.c."""
    if request.node.callspec.params["world"] not in (Cloudflare, Hetzner):
        pytest.skip("one that takes batches and one that does not are enough")
    n = 1000
    w = world(n=1, rate=(4, 1.0))
    names = [f"h{i}.{w.zones[0]}" for i in range(n)]
    w.config["certificates"] = [{"names": [name]} for name in names]
    w.config["providers"][0]["rate"] = 4
    w.p.configure(w.config)
    done = w.p.run("record", "apply", "--yes", "--no-preflight", "--quiet", "--json", timeout=900)
    assert done.rc == 0 and {line["outcome"] for line in done.lines()} == {"served"} and len(done.lines()) == n, done
    assert not w.api.too_many and len(w.api.counted()) <= 2 * n + 1


def test_no_call_but_a_read_and_a_write_for_each_record(world):
    """
    Several records in each of several zones, published and taken back: the zones are listed once, also where the configuration names them. Where the
    provider takes many changes in a call, a zone costs one write.
    """
    w = world(n=3)
    names = [host + z for z in w.zones for host in ("", "a.", "b.c.")]
    calls = len(names) + (len(w.zones) if type(w.api) in BATCHES else len(names)) + 1
    calls += len(w.zones) if type(w.api) is Desec else 0  # it looks at all of them once more before it writes
    owners = ["_validation-persist." + n for n in names]
    w.config["certificates"] = [{"names": [n]} for n in names]
    w.p.configure(w.config)
    w.apply()
    assert all(len(w.api.stands(o)) == 1 for o in owners)
    assert len(w.api.counted()) <= calls, w.api.calls
    w.config["providers"][0]["zones"] = w.zones
    w.p.configure(w.config)
    before = len(w.api.counted())
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    w.apply("--undo", run[:-6])
    assert not any(w.api.stands(o) for o in owners)
    assert len(w.api.counted()) - before <= calls, w.api.calls


def test_a_ttl_that_is_too_short_is_raised_and_that_is_said(stage, make_knot):
    w = World(stage, make_knot, DOUBLES[0], n=1)
    w.p.configure({**w.config, "defaults": {"record_ttl": "1s"}})
    assert "the TTL is 60 s, the least that" in w.p.run("record", "plan").out
    done = w.apply("--json")
    assert [line["note"] for line in done.lines()] == ["written with a TTL of 60 s, the least that cloudflare takes above the 1 s wished for"]


def test_a_limit_that_nobody_told(world):
    """It is found out, and nothing fails for it."""
    w = world(n=3, rate=(4, 1.0))
    done = w.apply(timeout="120")
    assert "3 done" in done.out and w.api.too_many and len(w.api.counted()) - w.api.too_many <= 3 * (1 + 1) + 1


def test_pages(world):
    w = world(n=5, page=2)
    for k in range(7):
        w.api.put(w.owner(), "TXT", f'"other {k}"')
    w.apply()
    assert len(w.api.stands(w.owner())) == 8 and w.api.stands(w.owner(4)) == [w.value]


def test_visible_only_after_a_while(world):
    w = world(n=2, lag=2)
    if w.api.POLLS:
        done = w.apply("--json")
        assert {line["outcome"] for line in done.lines()} == {"served"} and len(w.api.calls) - len(w.api.counted()) >= 2 * 2
        return
    late = w.apply("--json", rc=75, timeout="1")
    assert {line["outcome"] for line in late.lines()} == {"not served yet"} and all("perdure check" in line["hint"] for line in late.lines())
    w.api.lag = 1
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    done = w.apply("--json", "--undo", run[:-6])
    assert {line["outcome"] for line in done.lines()} == {"served"}


def test_two_perdures_and_somebody_else_at_once(world):
    n = 5
    w = world(n=n)
    other = harness.Perdure(w.stage, {**w.config, "cas": [w.ca.config_entry(issuer="second.test")]})
    stop = threading.Event()
    written = []

    def third_party():
        for k in range(10):
            for i in range(n):
                w.api.put(w.owner(i), "TXT", f'"foreign {k}"')
            written.append(k)
            if stop.is_set():
                break

    writer = threading.Thread(target=third_party)
    if w.api.COMPARES:
        writer.start()
    runs = [p.start("record", "apply", "--yes", "--no-wait", "--quiet") for p in (w.p, other, w.p)]
    assert [r.wait(60) for r in runs] == [0, 0, 0]
    stop.set()
    if w.api.COMPARES:
        writer.join()
    for i in range(n):
        values = w.api.stands(w.owner(i))
        assert w.value in values and w.value.replace("ca.test", "second.test") in values
        assert len(set(values) if w.api.TWICE else values) == len(written) + 2


@pytest.mark.parametrize("name, words", [
    ("token", None),
    ("cname", "CNAME"),
    ("zone", "no zone"),
])
def test_errors_name_the_cause(world, name, words):
    w = world(n=1)
    if name == "token":
        w.api.break_key()
    elif name == "cname":
        w.api.put(w.owner(), "CNAME", "elsewhere.w00.bench.test")
    else:
        w.api.zones.clear()
    done = w.p.run("record", "apply", "--yes", "--json", "new.w00.bench.test" if name != "cname" else w.zones[0])
    if name == "cname":
        assert done.rc == 4 and not any("outcome" in line for line in done.lines()), done
        done = w.p.run("record", "plan", "--json")
        assert words in done.lines()[0]["blocked"]
    else:
        (line,) = done.lines()
        assert done.rc == 1 and line["outcome"] == "failed" and (words or w.api.BAD_KEY) in line["error"] and line["hint"], done
    assert w.api.SECRET not in done.out + done.err


def key_of(w):
    """The key of the entry that names the file with the credentials."""
    return next(k for k in w.config["providers"][0] if k.endswith("_file"))


def test_the_token_is_nowhere(world):
    w = world(n=2, rate=(3, 0.5))
    runs = [w.p.run("record", "plan", "-vv"), w.p.run("record", "apply", "--yes", "-vv")]
    texts = [r.out + r.err for r in runs]
    for folder, _, files in os.walk(w.p.state_dir):
        texts += [harness.read(os.path.join(folder, f)) for f in files if f.endswith(".jsonl")]
    assert all(r.rc == 0 for r in runs) and not any(s in t for s in w.api.secrets() for t in texts)
    open_to_all = harness.write(os.path.join(w.p.folder, "open.token"), w.api.SECRET + "\n", 0o644)
    p = harness.Perdure(w.stage, {**w.config, "providers": [{**w.config["providers"][0], key_of(w): open_to_all}]})
    refused = p.run("record", "apply", "--yes", "x.w00.bench.test")
    assert refused.rc in (1, 2) and w.api.SECRET not in refused.out + refused.err and "open.token" in refused.out + refused.err


def test_certificates_are_checked(world, tmp_path):
    """Whoever has no certificate that is trusted gets no request, and so no credential. There is no key that would change that."""
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=double",
                 "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert)
    w = world(n=1, tls=(cert, key))
    (line,) = w.apply("--json", "--no-wait", rc=1).lines()
    assert line["outcome"] == "failed" and "certificate" in line["error"] and "ca_bundle" in line["hint"] and not w.api.calls, line
    entry = w.config["providers"][0]
    trusting = harness.Perdure(w.stage, {**w.config, "providers": [{**entry, "ca_bundle": cert}]})
    w.apply("--no-wait", p=trusting)
    assert w.api.stands(w.owner()) == [w.value]
    for name in ("insecure", "verify", "tls_verify"):
        refused = harness.Perdure(w.stage, {**w.config, "providers": [{**entry, name: True}]}).run("config", "check")
        assert refused.rc == 2 and name in refused.err
    plain = harness.Perdure(w.stage, {**w.config, "providers": [{**entry, "url": "http://192.0.2.1"}]}).run("record", "apply", "--yes", "--no-wait", "x." + w.zones[0])
    assert plain.rc == 1 and "not https" in plain.out + plain.err and w.api.SECRET not in plain.out + plain.err


def test_proved_end_to_end(world):
    """`provider test` takes all steps and leaves nothing; `provider policy` names what is written, and opens no secret."""
    w = world(n=1)
    w.api.put(w.owner(), "TXT", w.api.FOREIGN)
    name = w.config["providers"][0]["name"]
    done = w.p.run("provider", "test", name, "--zone", w.zones[0], "-vv").ok()
    steps = [s for s in ("credentials", "zone", "read", "write", "sync", "visible", "remove") if s != "sync" or w.api.POLLS]
    assert re.findall(r"^ok +(\w+)", done.out, re.M) == steps
    w.p.run("provider", "test", name, "--name", w.owner()).ok()
    assert w.api.stands(w.owner()) == [w.api.FOREIGN] and not any(s in done.out + done.err for s in w.api.secrets())
    os.remove(w.config["providers"][0][key_of(w)])
    policy = w.p.run("provider", "policy", name, "--json").lines()[0]
    assert policy["names"] == [w.owner()] and len(policy["policy"]) > 80


def test_renew_opens_no_token(world):
    """The renewer needs none of it: the file may be gone."""
    w = world(n=1)
    os.remove(w.config["providers"][0][key_of(w)])
    done = w.p.run("renew", "--dry-run")
    assert "token" not in done.err and done.rc in (0, 4), done
