"""The daemon's numbers over HTTP: asked by hand, and by a real Prometheus that evaluates the alert rules."""
import json
import os
import re
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

import harness
from test_daemon import Daemon

TOKEN = "canary-metrics-token"


def start(stage, make_testca, own_certificate=False, **files):
    """A daemon that is asked over HTTP; with files, or with the certificate that it is to issue first, over HTTPS."""
    ca = make_testca(always_valid=True)
    port = harness.free_port()
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.example"]}]})
    token = harness.write(os.path.join(p.folder, "token"), TOKEN)
    os.chmod(token, 0o600)
    if own_certificate:
        files = {"cert_file": p.live("a.example", "fullchain.pem"), "key_file": p.live("a.example", "privkey.pem")}
    p.configure({**p.config, "daemon": {"interval": "10s"}, "metrics": {"listen": f"127.0.0.1:{port}", "token_file": token, **files}})
    p.run("account", "register", "--agree-tos").ok()
    d = Daemon(p)
    d.port, d.token, d.ca = port, token, ca
    d.idle()
    return d


@pytest.fixture
def daemon(stage, make_testca):
    return start(stage, make_testca)


def get(d, path, method="GET", token=TOKEN, context=None, **headers):
    if token:
        headers["Authorization"] = "Bearer " + token
    request = urllib.request.Request(f"http{'s' if context else ''}://127.0.0.1:{d.port}{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as r:
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


def pair(folder, name, days=2):
    """A new key and its certificate, in two files."""
    key, cert = (os.path.join(folder, f"{name}.{kind}") for kind in ("key", "pem"))
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
                 f"/CN={name}", "-keyout", key + ".new", "-out", cert + ".new")
    os.chmod(key + ".new", 0o600)
    return key, cert


def put(key, cert):
    os.rename(key + ".new", key)
    os.rename(cert + ".new", cert)


def s_client(d, *options):
    """What openssl says of the connection."""
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}", *options], input="", capture_output=True, text=True,
                          timeout=20, check=False)


def subject(d):
    found = re.search(r"subject=CN ?= ?(\S+)", s_client(d).stdout)
    return found and found[1]


def test_tls(stage, make_testca):
    """Files that come later, change, and are wrong in between."""
    folder = stage.folder("tls")
    key, cert = pair(folder, "one.example")
    d = start(stage, make_testca, cert_file=cert, key_file=key)
    assert "does not exist yet" in harness.read(d.log) and subject(d) is None
    put(key, cert)
    assert subject(d) == "one.example"
    for version in ("-tls1_2", "-tls1_3"):
        assert "Verification" in s_client(d, version).stdout
    assert "protocol version" in s_client(d, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0").stderr
    with pytest.raises(OSError):
        get(d, "/metrics")  # plain HTTP
    context = ssl.create_default_context(cafile=cert)
    context.check_hostname = False
    assert get(d, "/metrics", context=context)[0] == 200 and get(d, "/metrics", token=None, context=context)[0] == 401
    # Half of a change, then the rest of it.
    other_key, other = pair(folder, "two.example")
    os.rename(other + ".new", cert)
    assert subject(d) == "one.example" and subject(d) == "one.example"
    assert harness.read(d.log).count("the private key is not that of the certificate") == 1
    os.chmod(other_key + ".new", 0o644)
    os.rename(other_key + ".new", key)
    assert subject(d) == "one.example" and f"the secret file {key} can be read by others" in harness.read(d.log)
    os.chmod(key, 0o600)
    assert subject(d) == "two.example"
    # A configuration with files that cannot be used is not taken; nor does the daemon start with one.
    harness.write(key, "no key", 0o600)
    assert d.p.run("control", "reload").rc and subject(d) == "two.example"
    d.end()
    done = d.p.run("run")
    assert done.rc == 1 and "metrics.key_file" in done.err and key in done.err, done


@pytest.mark.parametrize("files, rc, words", [
    ({"cert_file": "/a"}, 2, "both cert_file and key_file"),
    ({"listen": "192.0.2.1:9847"}, 2, "no token is asked for"),
    ({"listen": "192.0.2.1:9847", "cert_file": "/a", "key_file": "/b"}, 2, "no token is asked for"),
    ({"listen": "192.0.2.1:9847", "token_file": "/t"}, 0, "in the clear"),
    ({"listen": "192.0.2.1:9847", "token_file": "/t", "cert_file": "/a", "key_file": "/b"}, 0, ""),
])
def test_configuration(make_perdure, files, rc, words):
    p = make_perdure({"metrics": files})
    done = p.run("config", "check")
    assert done.rc == rc and words in done.out + done.err and ("clear" in done.out + done.err) == (words == "in the clear"), done


def test_prometheus(stage, make_testca):
    """It scrapes with TLS, by a certificate that the daemon has issued for itself."""
    daemon = start(stage, make_testca, own_certificate=True)
    folder, port = stage.folder("prometheus"), harness.free_port()
    rules = os.path.join(harness.ROOT, "packaging/prometheus/perdure.rules.yml")
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules], "scrape_configs": [
        {"job_name": "perdure", "scheme": "https", "tls_config": {"ca_file": daemon.ca.roots_file, "server_name": "a.example"},
         "authorization": {"credentials_file": daemon.token}, "static_configs": [{"targets": [f"127.0.0.1:{daemon.port}"]}]}]}
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
