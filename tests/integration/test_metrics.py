"""Metrics as a file: accepted by promtool and by Prometheus' own client library, counted over runs, limited in number."""
import json
import os
import re
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

import harness

PAGE = os.path.join(harness.ROOT, "docs/monitoring.md")
TABLE = os.path.join(harness.ROOT, "src/obs/metrics_table.c")


def families(path):
    text = harness.read(path)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    found = {}
    for f in text_string_to_metric_families(text):
        for s in f.samples:
            found[s.name, tuple(sorted(s.labels.items()))] = s.value
    return found


def value(found, name, /, **labels):
    return found[name, tuple(sorted(labels.items()))]


@pytest.fixture
def box(stage, make_testca):
    ca = make_testca(always_valid=True)
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": [f"n{i}.example"]} for i in range(5)]})
    p.file = os.path.join(p.folder, "perdure.prom")
    p.configure({**p.config, "metrics": {"textfile": p.file}})
    p.run("account", "register", "--agree-tos").ok()
    p.ca = ca
    return p


def rows_of_page():
    """Name, type, labels, meaning."""
    part = harness.read(PAGE).partition("## Metrics")[2].partition("\n### ")[0]
    return re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.*) \|$", part, re.M)


def test_page_has_the_table():
    source = re.findall(r'\.name = "(\w+)",\s*\.type = METRIC_(\w+),(.*?)\.help = "([^"\\]*(?:\\.[^"\\]*)*)"', harness.read(TABLE), re.S)
    want = []
    for name, kind, rest, text in source:
        labels = re.search(r"\.labels = \{(.*?)\}", rest)
        labels = ", ".join(re.findall(r'"(\w+)"', labels.group(1))) if labels else ""
        want.append((name + ("_total" if kind == "COUNTER" else ""), kind.lower(), labels, text.replace('\\"', '"')))
    rows = rows_of_page()
    assert rows == want and len(rows) > 40


def test_counted_over_runs(box):
    done = box.run("renew").ok()
    assert done.err.count("no record is looked at") == 1, "told once, and not for each of five"
    box.run("renew", "n1.example", "--force-renewal").ok()
    m = families(box.file)
    assert value(m, "perdure_renewals_total", result="issued") == 5
    assert value(m, "perdure_renewals_total", result="renewed") == 1
    assert value(m, "acme_dns_persist_renewals_total", domain="n1.example", status="success") == 2
    assert value(m, "acme_dns_persist_renewal_duration_seconds_count", domain="n1.example") == 2
    ca = box.config["cas"][0]["name"]
    assert value(m, "perdure_acme_requests_total", ca=ca, action="newOrder", status="201") == 6
    assert value(m, "perdure_acme_request_duration_seconds_count", ca=ca, action="newOrder") == 6
    assert value(m, "perdure_certificates", state="valid") == 5
    assert value(m, "perdure_certificates_expiring", within="+Inf") == 5
    end = value(m, "perdure_certificate_not_after_timestamp_seconds", name="n0.example", ca=ca)
    assert value(m, "perdure_certificate_renew_at_timestamp_seconds", name="n0.example") < end
    assert value(m, "perdure_last_successful_run_timestamp_seconds") == value(m, "perdure_last_run_timestamp_seconds")
    seq = value(m, "perdure_event_log_sequence")
    box.run("renew").ok()
    again = families(box.file)
    assert value(again, "perdure_renewals_total", result="issued") == 5
    assert value(again, "perdure_event_log_sequence") >= seq
    assert os.stat(box.file).st_mode & 0o777 == 0o644


def test_failures(box):
    box.ca.fault("problem", endpoint="newOrder", type="urn:ietf:params:acme:error:rejectedIdentifier", status=403)
    box.run("renew")
    m = families(box.file)
    assert value(m, "perdure_renewals_total", result="failed") == 5
    assert value(m, "perdure_certificates", state="missing") == 5
    assert value(m, "perdure_certificate_failures", name="n0.example") == 1
    assert value(m, "perdure_certificate_next_attempt_timestamp_seconds", name="n0.example") > 1e9
    assert ("perdure_last_successful_run_timestamp_seconds", ()) not in m


def test_limit(box):
    """Those that fail come first; the rest is in the counts."""
    box.configure({**box.config, "metrics": {"textfile": box.file, "certificates_max": 2}})
    box.run("renew", "n0.example", "n1.example", "n2.example", "n4.example").ok()
    box.ca.fault("problem", endpoint="newOrder", type="urn:ietf:params:acme:error:rejectedIdentifier", status=403)
    box.run("renew", "n3.example")
    m = families(box.file)
    shown = {dict(labels)["name"] for name, labels in m if name == "perdure_certificate_failures"}
    assert len(shown) == 2 and "n3.example" in shown
    assert value(m, "perdure_certificates_shown") == 2
    assert value(m, "perdure_certificates", state="valid") == 4
    domains = {dict(labels)["domain"] for name, labels in m if name == "acme_dns_persist_renewals_total"}
    assert len(domains) <= 3 and "other" in domains


def test_unwritable(box):
    os.mkdir(box.file)
    done = box.run("renew").ok()
    assert "metrics:" in done.err and "warning" in done.err


def test_rules_and_dashboard():
    """promtool takes the alert rules and their unit tests; each alert is on the page; only metrics that exist are asked for."""
    folder = os.path.join(harness.ROOT, "packaging/prometheus")
    rules = os.path.join(folder, "perdure.rules.yml")
    for words in (["check", "rules", rules], ["test", "rules", os.path.join(folder, "perdure.rules.test.yml")]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
    text = harness.read(rules)
    alerts = re.findall(r"alert: (\w+)", text)
    assert sorted(re.findall(r"^\| `(Perdure\w+)` \|", harness.read(PAGE), re.M)) == sorted(alerts)
    tested = set(re.findall(r"alertname: (\w+)", harness.read(os.path.join(folder, "perdure.rules.test.yml"))))
    assert tested == set(alerts)
    with open(os.path.join(harness.ROOT, "packaging/grafana/perdure.json"), encoding="utf-8") as f:
        board = json.load(f)
    exprs = [t["expr"] for p in board["panels"] for t in p["targets"]]
    assert len(exprs) > 10 and len({p["id"] for p in board["panels"]}) == len(board["panels"])
    known = {name for name, _, _, _ in rows_of_page()}
    used = set(re.findall(r"\bperdure_\w+", " ".join(exprs) + text))
    for name in used:
        assert name in known or re.sub(r"_(bucket|sum|count)$", "", name) in known, name
