"""The daemon's numbers over HTTP: asked by hand, and by a real Prometheus that evaluates the alert rules."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

import harness
from test_daemon import Daemon

TOKEN = "canary-metrics-token"


@pytest.fixture
def daemon(stage, make_testca):
    ca = make_testca(always_valid=True)
    port = harness.free_port()
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.example"]}]})
    token = harness.write(os.path.join(p.folder, "token"), TOKEN)
    os.chmod(token, 0o600)
    p.configure({**p.config, "daemon": {"interval": "10s"}, "metrics": {"listen": f"127.0.0.1:{port}", "token_file": token}})
    p.run("account", "register", "--agree-tos").ok()
    d = Daemon(p)
    d.port, d.token = port, token
    d.idle()
    return d


def get(d, path, method="GET", token=TOKEN, **headers):
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(f"http://127.0.0.1:{d.port}{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as r:
            return r.status, r.headers["Content-Type"], r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers["WWW-Authenticate"], e.read().decode()


def test_by_hand(daemon):
    status, kind, text = get(daemon, "/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'perdure_renewals_total{result="issued"} 1\n' in text and 'perdure_certificates{state="valid"} 1\n' in text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    status, kind, text = get(daemon, "/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert "perdure_renewals" in {f.name for f in openmetrics(text)}
    assert get(daemon, "/metrics", token=None)[:2] == (401, "Bearer")
    assert get(daemon, "/metrics", token=TOKEN[:-1])[0] == get(daemon, "/metrics", token=TOKEN + "x")[0] == 401
    assert get(daemon, "/healthz", token=None)[0] == 200
    assert get(daemon, "/other")[0] == 404 and get(daemon, "/metrics", method="POST")[0] in (405, 501)
    assert get(daemon, "/metrics", method="HEAD")[0] == 200
    shown = daemon.p.run("events", "show", "--type", "daemon", "--json").ok().out
    assert json.loads(shown.splitlines()[0])["event"] == "daemon.started" and TOKEN not in shown


def test_prometheus(daemon, stage):
    folder, port = stage.folder("prometheus"), harness.free_port()
    rules = os.path.join(harness.ROOT, "packaging/prometheus/perdure.rules.yml")
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules], "scrape_configs": [
        {"job_name": "perdure", "authorization": {"credentials_file": daemon.token}, "static_configs": [{"targets": [f"127.0.0.1:{daemon.port}"]}]}]}
    file = harness.write(os.path.join(folder, "prometheus.yml"), json.dumps(config))
    with open(os.path.join(folder, "log"), "wb") as log:
        server = subprocess.Popen(["prometheus", "--config.file", file, "--storage.tsdb.path", os.path.join(folder, "data"),
                                   "--web.listen-address", f"127.0.0.1:{port}"], stdout=log, stderr=log)

    def api(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as r:
                return json.load(r)["data"]
        except OSError:
            return None

    def value(expr):
        data = api("query?query=" + urllib.request.quote(expr))
        return data and [float(r["value"][1]) for r in data["result"]]

    try:
        harness.wait_until("a scrape", 60, lambda: value("up") == [1])
        assert value('perdure_certificates{state="valid"}') == [1]
        assert value("perdure_certificate_not_after_timestamp_seconds > time()")

        def evaluated():
            groups = (api("rules") or {"groups": []})["groups"]
            found = [r for g in groups for r in g["rules"]]
            return found if found and all(r["health"] == "ok" for r in found) else None

        found = harness.wait_until("all rules evaluated", 60, evaluated)
        assert len(found) > 10 and all(r["state"] in ("inactive", "pending") for r in found), found
    finally:
        server.terminate()
        server.wait(20)
