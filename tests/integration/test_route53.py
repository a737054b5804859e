"""
Route 53 beyond what all providers must do (test_provider_http.py): signatures against botocore's, the calls against moto, zones of one name, values that only
their exact form deletes, a zone that is busy, the forms of the key file.
"""
import json
import os
import re
import socket
import subprocess
import urllib.request

import pytest

import harness
from route53_double import Route53
from test_provider_http import World

PYTHON = os.path.join(harness.ROOT, "build/tools/python/bin")

BOTOCORE = """
import json, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
for method, url, body, headers, key, secret in json.load(sys.stdin):
    signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    r = AWSRequest(method=method, url=url, data=body.encode() or None, headers={k: v for k, v in headers.items() if k.lower() in signed})
    r.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials(key, secret), "route53", "us-east-1")
    print(auth.signature(auth.string_to_sign(r, auth.canonical_request(r)), r))
"""


@pytest.fixture
def world(stage, make_knot):
    return lambda *a, **kw: World(stage, make_knot, Route53, *a, **kw)


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def tools(name):
    path = os.path.join(PYTHON, name)
    if not os.path.exists(path):
        pytest.skip("NO TOOLS: tests/requirements.txt is not installed in build/tools/python (make test does it)")
    return path


def test_signatures_are_those_of_botocore(world):
    """Reads with several parameters, changes with a body, the wait: each as botocore would have signed it."""
    python = tools("python")
    w = world(n=2, page=1)
    w.api.put(w.owner(), "TXT", '"other"')
    w.apply()
    calls = [(m, w.api.base + target, raw.decode(), headers, Route53.KEY_ID, Route53.SECRET) for m, target, raw, headers in w.api.requests]
    assert {m for m, *_ in calls} == {"GET", "POST"} and any("&" in c[1] for c in calls)
    done = subprocess.run([python, "-c", BOTOCORE], input=json.dumps(calls), text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [re.search(r"Signature=(\w+)", c[3]["Authorization"])[1] for c in calls]


def test_with_moto(stage, make_knot):
    """An implementation by others, weak in what it refuses: the shapes of requests and answers fit."""
    server = tools("moto_server")
    port = harness.free_port()
    base = f"http://127.0.0.1:{port}/2013-04-01"
    process = subprocess.Popen([server, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stage.closers.append(lambda: (process.terminate(), process.wait(20)))

    def call(path, body=None):
        request = urllib.request.Request(base + path, data=body and body.encode(), headers={
            "Content-Type": "application/xml",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0"})
        with urllib.request.urlopen(request, timeout=20) as r:
            return r.read().decode()

    harness.wait_until("moto answers", 60, lambda: answers(port))
    w = World(stage, make_knot, Route53, n=2)
    ids = []
    for zone in w.zones:
        made = call("/hostedzone", f'<CreateHostedZoneRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><Name>{zone}.</Name>'
                    f"<CallerReference>{zone}</CallerReference></CreateHostedZoneRequest>")
        ids.append(re.search(r"<Id>/hostedzone/(\w+)</Id>", made)[1])
    p = harness.Perdure(stage, {**w.config, "providers": [{**w.config["providers"][0], "url": base}]})
    w.apply("--no-wait", p=p)
    for i, zone in enumerate(ids):
        assert w.value in call(f"/hostedzone/{zone}/rrset").replace("&quot;", '"') and w.owner(i) in call(f"/hostedzone/{zone}/rrset")
    (run,) = os.listdir(os.path.join(p.state_dir, "records"))
    w.apply("--no-wait", "--undo", run[:-6], p=p)
    assert not any("TXT" in call(f"/hostedzone/{zone}/rrset") for zone in ids)


def test_two_zones_of_one_name(world):
    """Nothing tells which is delegated to: nothing is written until the configuration says it. Private zones do not count."""
    w = world(n=1)
    w.api.private.append("ZPRIVATE")
    w.api.zones["ZSECOND"] = w.zones[0]
    w.api.sets["ZSECOND"] = {}
    (line,) = w.apply("--json", rc=1).lines()
    assert "several public zones" in line["error"] and "ZSECOND" in line["error"] and "zone_ids" in line["hint"]
    assert not w.api.stands(w.owner())
    p = harness.Perdure(w.stage, {**w.config, "providers": [{**w.config["providers"][0], "zone_ids": ["ZSECOND"]}]})
    w.apply("--no-wait", p=p)
    assert w.api.sets["ZSECOND"][w.owner(), "TXT"] == [3600, [w.value]]


def test_values_of_others_in_their_exact_form(world):
    """A set is deleted by its exact old form only: octal escapes, strings split elsewhere, a TTL of its own."""
    w = world(n=1)
    zone = next(iter(w.api.sets))
    odd = ['"caf\\303\\251 \\"x\\" \\\\"', '"a" "b"', '""']
    w.api.sets[zone][w.owner(), "TXT"] = [77, list(odd)]
    w.apply("--no-wait")
    assert w.api.sets[zone][w.owner(), "TXT"] == [77, [*odd, w.value]]
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    w.apply("--no-wait", "--undo", run[:-6])
    assert w.api.sets[zone][w.owner(), "TXT"] == [77, odd]


def test_a_busy_zone_is_waited_for(world):
    w = world(n=2)
    w.api.busy = 2
    w.apply()
    assert [w.api.stands(w.owner(i)) for i in range(2)] == [[w.value]] * 2


@pytest.mark.parametrize("text, good", [
    (f"{Route53.KEY_ID}\n{Route53.SECRET}\n", True),
    (f"# by hand\n[perdure]\naws_access_key_id={Route53.KEY_ID}\naws_secret_access_key={Route53.SECRET}\naws_session_token = tok/en+4711==\n", True),
    (f"{Route53.KEY_ID}\n", False),
    (f"{Route53.KEY_ID} {Route53.SECRET}\n", False),
    (f"[a]\naws_access_key_id={Route53.KEY_ID}\naws_secret_access_key={Route53.SECRET}\n[b]\naws_access_key_id=x\n", False),
], ids=["two lines", "profile with session", "id alone", "one line", "two profiles"])
def test_forms_of_the_key_file(world, text, good):
    w = world(n=1)
    harness.write(w.config["providers"][0]["access_key_file"], text, 0o600)
    if good:
        w.apply("--no-wait")
        sent = {h.get("X-Amz-Security-Token") for *_, h in w.api.requests}
        assert sent == ({"tok/en+4711=="} if "session" in text else {None})
        assert all(("x-amz-security-token" in h["Authorization"]) == ("session" in text) for *_, h in w.api.requests)
    else:
        done = w.apply(rc=1)
        assert "does not hold one access key" in done.out + done.err and Route53.SECRET not in done.out + done.err and not w.api.requests


def test_the_policy_allows_what_is_done_and_no_more(world):
    w = world(n=2)
    done = w.p.run("provider", "policy", "aws")
    text = done.out[done.out.index("{"):done.out.rindex("}") + 1]
    statements = json.loads(text)["Statement"]
    condition = next(s for s in statements if s["Action"] == "route53:ChangeResourceRecordSets")["Condition"]["ForAllValues:StringEquals"]
    assert condition["route53:ChangeResourceRecordSetsNormalizedRecordNames"] == [w.owner(0), w.owner(1)]
    assert condition["route53:ChangeResourceRecordSetsRecordTypes"] == ["TXT"]
