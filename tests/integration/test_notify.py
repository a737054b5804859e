"""Notifications to real receivers: an HTTP server, an SMTP server (aiosmtpd), programs."""
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import threading
import time

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import harness
from e2e import at_time, need_faketime, plain_path
from small_servers import Directory, ZoneServer, free_port_on
from test_json_page import page, printed
from test_state_faults import fill

SECRET = "canary-hook-secret"


class Hook:
    """A webhook: gives the answers it was told to (then 204) and keeps what came."""

    def __init__(self):
        self.got, self.answers = [], []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.got.append((dict(self.headers), body))
                self.send_response(hook.answers.pop(0) if hook.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self):
        """The one message that came."""
        assert len(self.got) == 1, self.got
        headers, body = self.got.pop()
        stamp, code = headers["X-Perdure-Signature"].split(",")
        mine = hmac.new(SECRET.encode(), stamp[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
        assert code == "v1=" + mine
        assert headers["Content-Type"] == "application/json"
        return json.loads(body)


@pytest.fixture
def hook():
    h = Hook()
    yield h
    h.server.shutdown()
    h.server.server_close()


class Sink:
    def __init__(self):
        self.got = []

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture
def smtp():
    sink = Sink()
    controller = Controller(sink, hostname="127.0.0.1", port=harness.free_port())
    controller.start()
    sink.url = f"smtp://127.0.0.1:{controller.port}"
    yield sink
    controller.stop()


def secret_file(p, name="secret", text=SECRET):
    path = harness.write(os.path.join(p.folder, name), text)
    os.chmod(path, 0o600)
    return path


@pytest.fixture
def box(stage, make_testca):
    ca = make_testca(always_valid=True)
    config = {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.example"]}, {"names": ["b.example"]}]}
    p = harness.Perdure(stage, config)
    p.run("account", "register", "--agree-tos").ok()
    p.ca = ca
    return p


def channels(p, *entries, **more):
    p.configure({**p.config, **more, "notify": list(entries)})


def channels_error(p, *entries):
    channels(p, *entries)
    done = p.run("config", "check")
    assert done.rc == 2, done
    return done.err


def kinds(message):
    return sorted((i["news"], i["kind"], i["subject"]) for i in message["problems"])


def test_lifecycle(box, hook):
    """Certificates expire: one message for both, no second one, then one that it is over."""
    channel = {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(box)}
    box.run("renew").ok()
    channels(box, {**channel, "expiry": "89d"})
    box.run("renew").ok()
    assert hook.got == []
    # By the thresholds of this channel they are about to expire.
    channels(box, {**channel, "expiry": "91d"})
    hook.answers = [500, 503]
    box.run("renew").ok()
    assert len(hook.got) == 3 and len({body for _, body in hook.got}) == 1  # sent again, octet by octet the same
    hook.got = hook.got[:1]
    message = hook.take()
    assert kinds(message) == [("new", "expiring", "a.example"), ("new", "expiring", "b.example")]
    assert message["severity"] == "error" and message["version"] == 1 and len(message["id"]) == 32
    assert "2 errors" in message["subject"]
    box.run("renew").ok()
    assert hook.got == []
    # Refused: told again by the next run.
    channels(box, {**channel, "expiry": "89d"})
    hook.answers = [400]
    assert "nobody was told" in box.run("renew").ok().err
    hook.got.clear()
    box.run("renew").ok()
    assert kinds(hook.take()) == [("gone", "expiring", "a.example"), ("gone", "expiring", "b.example")]
    box.run("renew").ok()
    assert hook.got == []


def test_failures_and_repeat(box, hook):
    channel = {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(box), "failures": 2, "repeat": "1s"}
    channels(box, channel)
    box.ca.fault("problem", endpoint="newOrder", type="urn:ietf:params:acme:error:rejectedIdentifier", status=403)
    box.run("renew", "a.example")
    assert hook.got == []
    box.run("renew", "a.example")
    assert kinds(hook.take()) == [("new", "renewal-failing", "a.example")]
    time.sleep(1.1)  # `repeat` has passed
    box.run("renew", "a.example")
    assert kinds(hook.take()) == [("still", "renewal-failing", "a.example")]


def test_the_address_may_be_a_secret(box, hook):
    """What services for chat give out as a webhook's address is all that it takes to write there: messages have the host alone."""
    channel = {"name": "oncall", "type": "webhook", "timeout": "5s"}
    host = hook.url.rpartition("/")[0]
    # It may stand in a file of its own, which is looked at for each message and must be a secret, too.
    file = secret_file(box, "hook.url", hook.url + "/T00/canary\n")
    channels(box, {**channel, "url_file": file})
    done = box.run("notify", "test", "-v", "-v").ok()
    assert len(hook.got) == 1 and f"POST {host}: 204" in done.err and "canary" not in done.out + done.err, done
    for text, mode, word in (("http://canary.test/", 0o600, "an https URL is needed"), ("https://h/\ncanary", 0o600, "line break"),
                             ("", 0o600, "empty"), (hook.url + "/canary", 0o644, "mode 0644")):
        harness.write(file, text)
        os.chmod(file, mode)
        done = box.run("notify", "test")
        assert done.rc in (1, 2) and word in done.out + done.err and "hint:" in done.out + done.err, done
        assert "canary" not in done.out + done.err, done
    assert "one of url and url_file" in channels_error(box, {**channel, "url": hook.url, "url_file": file})
    assert "needs url, or url_file" in channels_error(box, channel)
    channels(box, {**channel, "url": hook.url + "/T00/canary"})
    hook.answers = [403]
    done = box.run("notify", "test")
    assert done.rc == 1 and f"{host}/… answered with status 403" in done.out + done.err and "hint:" in done.out + done.err, done
    assert "canary" not in done.out + done.err
    hook.server.shutdown()
    hook.server.server_close()
    done = box.run("notify", "test")
    assert done.rc == 1 and f"{host}/…" in done.out + done.err and "canary" not in done.out + done.err, done


def test_a_run_that_fails(box, hook):
    """As a whole, as with a full disk."""
    channels(box, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(box)})
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", box.state_dir], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a tmpfs: " + mounted.stderr.strip())
    try:
        box.run("account", "register", "--agree-tos").ok()
        ballast = fill(pathlib.Path(box.state_dir))
        done = box.run("renew")
        assert done.rc == 1 and hook.got, str(done)
        (problem,) = hook.take()["problems"]
        assert (problem["news"], problem["kind"], problem["severity"]) == ("new", "run-failed", "error") and "No space left" in problem["text"]
        ballast.unlink()
        box.run("renew").ok()
        assert [kinds(json.loads(body)) for _, body in hook.got] in ([], [[("gone", "run-failed", "run")]])
    finally:
        subprocess.run(["umount", "-l", box.state_dir], check=False)


def test_paused(box, hook):
    """The CA has paused a name: told at once, and over when it is lifted. Other names in the configuration are tried at once."""
    channels(box, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(box)})
    paused = box.ca.fault("rate-limited", detail="paused, see https://ca.test/unpause?jwt=1 please")
    assert box.run("renew", "a.example").rc == 1
    (problem,) = hook.take()["problems"]
    assert (problem["kind"], problem["subject"]) == ("paused", "a.example") and "https://ca.test/unpause?jwt=1" in problem["text"]
    assert box.run("status", "a.example", "--json").ok().json()["paused_url"] == "https://ca.test/unpause?jwt=1"
    assert box.run("renew", "--dry-run").ok().out.startswith("would wait with a.example")
    certificates = [{"name": "a.example", "names": ["a.example", "www.a.example"]}, {"names": ["b.example"]}]
    channels(box, *box.config["notify"], certificates=certificates)
    assert "would renew a.example" in box.run("renew", "--dry-run").ok().out
    box.ca.clear(paused)
    box.run("renew").ok()
    assert kinds(hook.take()) == [("gone", "paused", "a.example")]


def test_held(stage, hook):
    """An order that waits for its record is told until it is over, also by runs that do not try it, and whatever the numbers have room for."""
    names = harness.zones_named(3)
    knot = harness.Knot(stage, names)
    ca = harness.TestCA(stage, knot.address)
    p = harness.Perdure(stage, harness.p_config(ca, knot, names))
    harness.set_up_account(p)
    records = harness.publish_records(p, knot)
    (record,) = (line for line in records if names[1] in line)
    knot.nsupdate(["del " + record.split()[0] + " TXT"])
    numbers = os.path.join(p.folder, "perdure.prom")
    channels(p, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(p)},
             metrics={"textfile": numbers, "certificates_max": 1})
    series = re.compile(r"^perdure_record_held\{(.*)\} (\d)$", re.M)
    assert p.run("renew").rc == 4
    assert kinds(hook.take()) == [("new", "record-held", names[1])]
    assert series.findall(harness.read(numbers)) == [(f'name="{names[1]}",ca="testca"', "1")]
    p.run("renew", names[0]).ok()
    assert hook.got == [] and series.findall(harness.read(numbers))[0][1] == "1"
    knot.nsupdate([record])
    p.run("renew").ok()
    assert kinds(hook.take()) == [("gone", "record-held", names[1])]
    assert series.findall(harness.read(numbers))[0][1] == "0"


def test_a_record_that_ends(stage, hook):
    """Nobody configured the end of the record that stands: it was seen when the certificate was issued."""
    (name,) = names = harness.zones_named(1)
    knot = harness.Knot(stage, names)
    ca = harness.TestCA(stage, knot.address)
    p = harness.Perdure(stage, harness.p_config(ca, knot, names))
    harness.set_up_account(p)
    (line,) = harness.publish_records(p, knot)
    end = int(time.time()) + 100 * 86400
    knot.nsupdate(["del " + line.split()[0] + " TXT", line[:line.rindex('"')] + f';persistUntil={end}"'])
    numbers = os.path.join(p.folder, "perdure.prom")
    channels(p, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(p)}, metrics={"textfile": numbers})
    p.run("renew").ok()
    assert kinds(hook.take()) == [("new", "persist-until", name)]
    assert f'perdure_persist_until_timestamp_seconds{{name="{name}"}} {end}' in harness.read(numbers)


def test_a_wrong_clock(box, hook):
    """By a clock that is a hundred days ahead everything has expired: the clock is told, and nothing else."""
    need_faketime()
    box.run("renew").ok()
    channels(box, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(box)})
    box.binary, usual = plain_path(), box.binary
    assert box.run("renew", **at_time("+100d")).rc == 1
    box.binary = usual
    assert kinds(hook.take()) == [("new", "clock", "clock")]
    box.run("renew").ok()
    assert kinds(hook.take()) == [("gone", "clock", "clock")]


def test_mail(box, smtp):
    programs = harness.write(os.path.join(box.folder, "sendmail"), '#!/bin/sh\necho "$@" > "%s/args"\ncat > "%s/mail"\n' % (box.folder,
                                                                                                                  box.folder))
    os.chmod(programs, 0o755)
    channels(box, {"name": "smtp", "type": "mail", "to": ["ops@example.com", "dns@example.com"], "from": "perdure@example.com",
                   "smtp": smtp.url, "expiry": "91d"},
             {"name": "local", "type": "mail", "to": "root@localhost", "sendmail": programs, "expiry": "91d"})
    box.run("renew").ok()
    sender, to, text = smtp.got.pop()
    assert (sender, to, smtp.got) == ("perdure@example.com", ["ops@example.com", "dns@example.com"], [])
    mail = email.message_from_bytes(text, policy=email.policy.default)
    assert "2 errors" in mail["Subject"] and mail["To"] == "ops@example.com, dns@example.com" and not mail.defects
    assert "a.example: expiring" in mail.get_content() and mail["Auto-Submitted"] == "auto-generated"
    local = harness.read(os.path.join(box.folder, "mail"))
    assert harness.read(os.path.join(box.folder, "args")) == "-i -- root@localhost\n"
    assert "a.example: expiring" in local and "\r" not in local


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_mail_with_a_password(box, stage):
    """The password goes through TLS, to a server that the roots vouch for, or not at all."""
    folder = stage.folder("smtp")
    key, cert = os.path.join(folder, "key"), os.path.join(folder, "cert")
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=mail",
                 "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    asked = []

    def authenticate(server, session, envelope, mechanism, data):
        asked.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=asked[-1] == ("perdure", "canary-password"))

    def start(**more):
        sink = Sink()
        controller = Controller(sink, hostname="127.0.0.1", port=harness.free_port(), authenticator=authenticate, auth_required=True, **more)
        controller.start()
        return sink, controller

    channel = {"name": "ops", "type": "mail", "to": "ops@example.com", "user": "perdure", "password_file": secret_file(box, "pw", "canary-password")}
    sink, controller = start(tls_context=context, require_starttls=True)
    other, plain = start(auth_require_tls=False)  # takes it in the clear
    try:
        url = f"smtp://localhost:{controller.port}"
        channels(box, {**channel, "smtp": url, "ca_bundle": cert})
        box.run("notify", "test").ok()
        assert len(sink.got) == 1 and asked == [("perdure", "canary-password")]
        channels(box, {**channel, "smtp": url}, {**channel, "name": "two", "smtp": f"smtp://localhost:{plain.port}", "ca_bundle": cert})
        done = box.run("notify", "test", timeout=60)
        assert done.rc == 1 and done.out.count("failed: ") == 2 and "canary" not in done.out + done.err, done
        assert len(asked) == len(sink.got) == 1 and other.got == []
    finally:
        controller.stop()
        plain.stop()


def test_notify_test(box, hook, smtp):
    out = os.path.join(box.folder, "out")
    channels(box, {"name": "hook", "type": "webhook", "url": hook.url, "secret_file": secret_file(box)},
             {"name": "mail", "type": "mail", "to": "ops@example.com", "smtp": smtp.url},
             {"name": "page", "type": "command", "command": ["/usr/bin/tee", out]},
             {"name": "bad", "type": "command", "command": ["/bin/false"]})
    doc = page()["notify test"]
    assert printed(box, "notify", "test", "hook") == doc
    assert hook.take()["test"] is True
    done = box.run("notify", "test")
    assert done.rc == 1 and done.out.count("sent") == 3 and "bad (command): failed" in done.out
    assert json.loads(harness.read(out))["problems"] == []
    assert len(smtp.got) == 1
    assert box.run("notify", "test", "nobody").rc == 2
    assert SECRET not in done.out + done.err


def test_wrong_configuration(box):
    for entry, why in (
            ({"name": "x", "type": "webhook"}, "needs url"),
            ({"name": "x", "type": "webhook", "url": "http://example.com/"}, "https URL is needed"),
            ({"name": "x", "type": "mail"}, "needs to"),
            ({"name": "x", "type": "mail", "to": "a@b.example", "user": "u"}, "needs password_file"),
            ({"name": "x", "type": "command", "command": ["page"]}, "whole path"),
            ({"type": "command"}, "needs name"),
    ):
        channels(box, entry)
        done = box.run("config", "check")
        assert done.rc == 2 and why in done.err + done.out, done


def test_audit(stage, hook):
    """An audit of the configured names: events of what is new and gone, numbers for the collector, one message."""
    port = free_port_on(["127.0.0.1"])
    ca = Directory(stage, {"caaIdentities": ["ca.test"]})
    lines = ['_validation-persist TXT "ca.test;accounturi=https://evil.example/acct/1"']
    ZoneServer(stage, "127.0.0.1", port, "example.test", lines)
    stub = {"zone": "example.test", "servers": ["127.0.0.1"], "port": port}
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"stubs": [stub], "validate": False},
                                "certificates": [{"names": ["example.test"]}]})
    prom = os.path.join(p.folder, "perdure.prom")
    channels(p, {"name": "oncall", "type": "webhook", "url": hook.url, "secret_file": secret_file(p)}, metrics={"textfile": prom})
    p.run("renew")  # makes the state; there is no account
    hook.got.clear()
    assert p.run("audit").rc == 5
    message = hook.take()
    assert message["problems"] and all(i["kind"] == "finding" and i["news"] == "new" for i in message["problems"])

    def findings(kind):
        return [e["rule"] for e in map(json.loads, p.run("events", "show", "--json", "--type", kind).ok().out.splitlines())]

    new = findings("finding.new")
    assert len(new) == len(set(new)) > 0 and {i["subject"].split(": ")[1] for i in message["problems"]} <= set(new)
    text = harness.read(os.path.join(p.folder, "perdure-audit.prom"))
    assert "perdure_audit_names 1\n" in text and all(f'rule="{r}"' in text for r in new)
    p.run("audit")
    assert hook.got == [] and findings("finding.new") == new and findings("finding.gone") == []
    p.run("events", "verify").ok()
