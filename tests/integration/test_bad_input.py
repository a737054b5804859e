"""What people and servers get wrong: each wrong thing gives the documented exit status, says what, where and what next, and changes nothing."""
import http.server
import os
import socket
import ssl
import threading

import pytest

import harness
from e2e import at_time, need_faketime, plain_path, results, snapshot, summary
from harness import Perdure, tool

LONG = ".".join(["a" * 46] * 5)
GOOD = {"cas": [{"name": "x", "directory": "https://127.0.0.1:1/dir", "issuer": "ca.test"}],
        "certificates": [{"names": ["example.com", "*.example.com"]}]}


@pytest.fixture
def p(stage):
    return Perdure(stage, GOOD)


def wrong(p, args, rc, *words, **more):
    """Runs it; the status, the words on standard error, and that nothing was written."""
    before = snapshot(p.folder)
    done = p.run(*args, **more)
    assert done.rc == rc, str(done)
    for word in words:
        assert word in done.err, f"{word!r} is not said\n{done}"
    assert snapshot(p.folder) == before, str(done)
    return done


@pytest.mark.parametrize("line, words", [
    ("frobnicate", ["frobnicate", "--help"]),
    ("account frob", ["account frob"]),
    ("renew --frob", ["--frob", "renew --help"]),
    ("renew --force-rene", ["--force-rene"]),
    ("renew --json=yes", ["--json"]),
    ("issue", ["--csr"]),
    ("issue example.com --name", ["--name", "CERT"]),
    ("issue www.example.com --name ../x", ["../x"]),
    ("issue www.example.com --key dsa", ["dsa", "ec384"]),
    ("issue example.com", ["account register --ca x"]),
    ("record judge --dialect x", ["boulder"]),
    ("record show --format x", ["zone"]),
    ("account import", ["FILE", "usage"]),
    ("delete a b", ["too many"]),
    ("delete nobody.example", ["nobody.example", "perdure status"]),
    ("renew nobody.example", ["nobody.example", "perdure status"]),
    ("deploy nobody.example", ["nobody.example", "perdure status"]),
    ("account register --ca nosuch", ["nosuch", "configured are: x"]),
    ("account deactivate --yes", ["account register --ca x"]),
    ("account rollover", ["account register --ca x"]),
    ("init --ca nosuch", ["nosuch", "letsencrypt-staging"]),
    ("--config", ["--config", "FILE"]),
    ("renew --config /nonexistent/x.yaml", ["/nonexistent/x.yaml", "perdure init"]),
    ("ca probe nosuch", ["nosuch", "configured are: x"]),
    ("account show --ca nosuch", ["nosuch"]),
    ("check", ["--all"]),
    ("check example.com", ["account register"]),
    ("renew nobody.example", ["nobody.example", "perdure status"]),
])
def test_command_lines(p, line, words):
    wrong(p, line.split(), 2, *words)


@pytest.mark.parametrize("name, words", [
    ("bad_label.example.com", ["'_'"]),
    ("a..example.com", ["empty label"]),
    ("exa mple.com", ["0x20"]),
    ("user@example.com", ["'@'"]),
    ("https://example.com/", ["':'"]),
    ("localhost", ["one label"]),
    ("a" * 64 + ".example.com", ["63"]),
    (LONG, ["234 octets", "233"]),
    ("192.0.2.1", ["IP address"]),
    ("2001:db8::1", ["IP address"]),
    ("co.uk", ["public suffix"]),
    ("*.co.uk", ["public suffix"]),
    ("*.*.example.com", ["first label", "*.example.com"]),
    ("a.*.example.com", ["first label"]),
    ("xn--bcher-kva.bücher.example", ["mixes"]),
])
def test_names(p, name, words):
    wrong(p, ["issue", name], 2, *words)
    # The same in the configuration, where the place is told.
    p.configure({**GOOD, "certificates": [{"names": ["good.example.com", name]}]})
    wrong(p, ["config", "check"], 2, *words, "perdure.yaml:")
    file = harness.write(os.path.join(p.folder, "domains.txt"), "good.example.com\n" + ("" if " " in name else name) + "\n")
    if " " not in name:
        p.configure({**GOOD, "certificates": [{"names_file": file}]})
        wrong(p, ["renew"], 2, *words, "domains.txt:2")


@pytest.mark.parametrize("text, words", [
    ("cas: [google", [":1:"]),
    ("cas: [google]\ncertificates:\n  - { names: [a.example.com], nmaes: [x] }\n", [":3:", "nmaes", "names"]),
    ("cas: [google]\ncas: [google]\n", [":2:1", "cas"]),
    ("cas: [nosuch]\ncertificates: []\n", [":1:", "nosuch"]),
    ("cas: [google]\ndefaults: { reuse_key: yes please }\n", [":2:", "true or false"]),
    ("cas: [google]\narchive: { keep: many }\n", [":2:", "keep"]),
    ("cas: [google]\narchive: { keep: -1 }\n", [":2:", "0 to 1000"]),
    ("cas:\n  - { name: x, directory: \"http://ca.example/dir\" }\n", [":2:", "https"]),
    ("cas: [google]\ncertificates:\n  - { names: [a.example.com] }\n  - { names: [\"*.a.example.com\"] }\n", [":4:", "a.example.com", "name"]),
    ("cas: [google]\ncertificates:\n  - { names: [a.example.com], ca: other }\n", [":3:", "other"]),
    ("cas: [google]\ncertificates:\n  - { names_file: nosuch.txt }\n", [":3:", "nosuch.txt"]),
    ("cas: [google]\ncertificates:\n  - { names_file: empty.txt }\n", ["empty.txt"]),
    ("cas: &a [google]\n", [":1:"]),
    ("\tcas: [google]\n", [":1:"]),
    ("cas: [\"goo\x01gle\"]\n", [":1:"]),
])
def test_configurations(p, text, words):
    harness.write(os.path.join(p.folder, "empty.txt"), "# nothing yet\n\n")
    harness.write(p.config_file, text)
    for args in (["config", "check"], ["renew"]):
        wrong(p, args, 2, "perdure.yaml" if "empty.txt" not in words else "empty.txt", *words)


def test_unreadable_configuration(p):
    os.unlink(p.config_file)
    os.mkdir(p.config_file)
    wrong(p, ["renew"], 2, p.config_file)


class Web:
    """An HTTPS server on loopback that says the same to everybody."""

    def __init__(self, folder, status, kind, body):
        cert, key = os.path.join(folder, "web.pem"), os.path.join(folder, "web.key")
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=web",
             "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_POST = do_GET

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.ca_bundle, self.url = cert, f"https://localhost:{self.server.server_port}/directory"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("status, kind, body, words", [
    (200, "text/html", b"<html><title>Welcome to nginx!</title></html>", ["is that URL an ACME directory"]),
    (404, "text/html", b"<h1>Not Found</h1>\x1b[31m", ["404"]),
    (200, "application/json", b'{"swagger": "2.0", "paths": {}}', ["newNonce"]),
    (200, "application/json", b'[1, 2, 3]', ["object"]),
    (200, "application/json", b"", ["JSON"]),
    (200, "application/json", b'{"newNonce": 7, "newAccount": "x", "newOrder": "y"}', ["newNonce"]),
    (200, "application/json", b'{"newNonce": "http://localhost/a", "newAccount": "http://localhost/b", "newOrder": "http://localhost/c"}', ["https"]),
    (200, "application/json", b'{"a":' * 2000, ["JSON"]),
    (200, "application/json", b" " * (5 << 20), ["large"]),
], ids=["html", "404", "other", "array", "empty", "types", "http", "deep", "large"])
def test_directory_that_is_not_acme(p, stage, status, kind, body, words):
    with Web(stage.folder("web"), status, kind, body) as web:
        p.configure({**GOOD, "cas": [{"name": "x", "directory": web.url, "ca_bundle": web.ca_bundle}]})
        done = wrong(p, ["ca", "probe", "x"], 1, *words, web.url, "x")
        assert "\x1b" not in done.err
        done = p.run("account", "register", "--agree-tos")
        assert done.rc == 1 and web.url in done.err and "--agree-tos" not in done.err, str(done)
        done = p.run("renew")
        assert done.rc == 2 and "account register" in done.err + done.out or done.rc == 1, str(done)


def test_tls_that_is_not_trusted(fleet):
    p, ca, _, names = fleet(1)
    entry = {k: v for k, v in p.config["cas"][0].items() if k != "ca_bundle"}
    p.configure({**p.config, "cas": [entry]})
    done = p.run("renew", names[0])
    assert done.rc in (1, 75) and "certificate" in done.err and "ca_bundle" in done.err and "localhost" in done.err, str(done)
    assert ca.request_count() == ca.log_requests()["dir"] + 2 or not ca.log_requests()["order-plz"]
    p.configure({**p.config, "cas": [{**entry, "ca_bundle": "/nonexistent.pem"}]})
    done = p.run("renew", names[0])
    assert done.rc in (1, 2) and "/nonexistent.pem" in done.err, str(done)


def test_ca_that_is_down(fleet):
    """Try later: 75. Who only looks does not wait a minute for it."""
    p, ca, _, _ = fleet(1)
    ca.stop()
    probe = p.run("ca", "probe", "pebble")
    assert probe.rc == 75 and "localhost" in probe.err and probe.seconds < 30, str(probe)
    shown = p.run("record", "show")
    assert shown.rc == 2 and "issuer:" in shown.err, str(shown)


@pytest.mark.long
def test_renewing_while_the_ca_is_down(fleet):
    p, ca, _, names = fleet(3)
    ca.stop()
    run = p.run("renew", "--json", timeout=200)
    assert run.rc == 75 and set(results(run).values()) == {"parked"} and summary(run)["parked"] == 3, str(run)
    for line in run.lines()[:-1]:
        assert "localhost" in line["error"], line
    ca.start()
    # Its memory is empty now: what it says to that is an error of its own, seen elsewhere.
    assert p.run("renew", *names).rc == 1


def test_silent_ca(p):
    """It takes connections and says nothing: the probe gives up by itself."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(8)
        p.configure({**GOOD, "cas": [{"name": "x", "directory": f"https://localhost:{s.getsockname()[1]}/dir"}]})
        done = wrong(p, ["ca", "probe", "x"], 75, "localhost", timeout=100)
        assert "time" in done.err.lower()


def test_clock_years_off(fleet):
    need_faketime()
    p, ca, _, names = fleet(1)
    p.run("renew").ok()
    p.binary = plain_path()
    before = snapshot(p.state_dir)
    # Far back: the CA's certificate is not valid yet, and nothing is due.
    assert p.run("renew", **at_time("-4y")).rc in (0, 1, 75)
    done = p.run("renew", "--force-renewal", **at_time("-4y"))
    assert done.rc in (1, 75) and "clock" in done.err, str(done)
    doctor = p.run("doctor", **at_time("-4y"))
    assert doctor.rc == 1 and "clock" in doctor.out and "broken" in doctor.out
    # Far ahead: what a CA issues now seems to have ended long ago, and is not put in the place of what works.
    done = p.run("renew", **at_time("+9y"))
    assert done.rc in (1, 75) and ("clock" in done.err or "expired" in done.err), str(done)
    live = {path: v for path, v in before.items() if "/live/" in path or "/archive/" in path}
    assert {path: v for path, v in snapshot(p.state_dir).items() if "/live/" in path or "/archive/" in path} == live
    p.run("renew", names[0], "--force-renewal").ok()
