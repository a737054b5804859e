"""The event log: written by the commands, verified by perdure and by Python's own means, and never holding a secret."""
import base64
import hashlib
import json
import os
import re
import subprocess

import pytest

import harness
from test_json_page import page, printed

TABLE = os.path.join(harness.ROOT, "src/obs/events_table.c")
PAGE = os.path.join(harness.ROOT, "docs/events.md")


def log_of(p):
    return os.path.join(p.state_dir, "events/events.jsonl")


def lines_of(p):
    with open(log_of(p), "rb") as f:
        return f.read().splitlines(keepends=True)


def test_the_page_has_the_table():
    source = re.findall(r'\{"([a-z.]+)", "\w+", "\w+", EVENT_\w+, \w+,\s*"([^"]*)"\}', harness.read(TABLE))
    part = harness.read(PAGE).partition("## Events\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([^`]+)` \| (.*) \|$", part, re.M) == source
    assert len(source) > 20


@pytest.fixture
def box(stage, make_testca):
    """A CA that lets every validation pass, an account, a certificate renewed twice."""
    ca = make_testca(always_valid=True)
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.example"]}]})
    p.run("account", "register", "--agree-tos").ok()
    p.run("renew").ok()
    p.run("renew", "--force-renewal").ok()
    return p


def test_chain_by_other_means(box, tmp_path):
    lines = lines_of(box)
    prev = "0" * 64
    public = box.run("events", "key").ok().out
    heads = 0
    for n, line in enumerate(lines, 1):
        event = json.loads(line)
        assert (event["seq"], event["prev"]) == (n, prev)
        prev = hashlib.sha256(line).hexdigest()
        if event["event"] != "log.head":
            continue
        heads += 1
        signed = line[:line.rindex(b',"signature":')]
        (tmp_path / "signed").write_bytes(signed)
        (tmp_path / "sig").write_bytes(base64.urlsafe_b64decode(event["signature"] + "=="))
        (tmp_path / "pub.pem").write_text(public)
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "pub.pem", "-rawin", "-in", tmp_path / "signed",
                        "-sigfile", tmp_path / "sig"], check=True, capture_output=True)
    assert heads == 3
    names = [json.loads(line)["event"] for line in lines]
    assert names == ["account.registered", "log.head", "order.placed", "certificate.issued", "certificate.installed", "log.head",
                     "order.placed", "certificate.renewed", "certificate.installed", "log.head"]
    for name in ("events/events.jsonl", "events.key"):
        assert os.stat(os.path.join(box.state_dir, name)).st_mode & 0o777 == 0o600


def test_verify_and_show(box, tmp_path):
    doc = page()
    good = box.run("events", "verify", "--json").ok().json()["result"]
    assert good["good"] and good["last"] == good["head"] == 10
    head = f"{good['head']}:{good['head_sha256']}"
    box.run("events", "verify", "--head", head).ok()
    assert printed(box, "events", "key") == doc["events key"]
    assert printed(box, "events", "show") <= doc["events show"]
    members = set(re.findall(r"^\| `(\w+)` \|", harness.read(PAGE).partition("## Members of a line")[2].partition("\n## ")[0], re.M))
    assert members == doc["events show"]
    # Elsewhere: a copy, the public key, no configuration.
    (tmp_path / "pub.pem").write_text(box.run("events", "key").out)
    copy = ["--dir", os.path.join(box.state_dir, "events"), "--public-key", str(tmp_path / "pub.pem")]
    os.rename(box.config_file, box.config_file + ".away")
    box.run("events", "verify", *copy).ok()
    os.rename(box.config_file + ".away", box.config_file)
    shown = box.run("events", "show", "--type", "certificate", "--name", "a.example").ok().out
    assert len(shown.splitlines()) == 4 and "renewed" in shown and "order" not in shown.split()[1]
    assert box.run("events", "show", "--since", "2099-01-01T00:00:00Z").ok().out == ""
    assert len(box.run("events", "show", "--since", "1h").ok().out.splitlines()) == 10
    for line in box.run("events", "show", "--format", "ecs").ok().out.splitlines():
        assert json.loads(line)["event"]["dataset"] == "perdure.events"
    assert box.run("events", "show", "--format", "cef").ok().out.count("CEF:0|perdure|") == 10
    # Somebody changes a line; somebody cuts the end off.
    whole = lines_of(box)
    with open(log_of(box), "wb") as f:
        f.write(b"".join(whole).replace(b'"generation":1', b'"generation":3', 1))
    assert printed(box, "events", "verify", rc=5) == doc["events verify"]
    with open(log_of(box), "wb") as f:
        f.write(b"".join(whole[:6]))
    cut = box.run("events", "verify", "--json")
    assert cut.rc == 5 and "truncated" in cut.out
    os.remove(os.path.join(box.state_dir, "events/head.json"))
    box.run("events", "verify").ok()  # nobody here knows better
    assert box.run("events", "verify", "--head", head).rc == 5


def test_what_cannot_be_written_stops_nothing(box):
    os.remove(log_of(box))
    os.mkdir(log_of(box))
    done = box.run("renew", "--force-renewal").ok()
    assert done.err.count("the event log:") == 1
    os.rmdir(log_of(box))


def test_no_secret(fleet, stage):
    """Keys of account and certificates, passphrase, EAB key: none of it is in the log, whatever happens."""
    p, ca, knot, names = fleet(2)
    knot.nsupdate([f"del _validation-persist.{names[1]} TXT"])
    p.run("renew")
    secret = harness.write(os.path.join(p.folder, "pass"), "canary-passphrase-1234")
    os.chmod(secret, 0o600)
    out = os.path.join(p.folder, "sealed")
    p.run("account", "export", "--ca", p.config["cas"][0]["name"], "--out", out, "--passphrase-file", secret).ok()
    p.run("account", "rollover", "--ca", p.config["cas"][0]["name"]).ok()
    text = b"".join(lines_of(p)).decode()
    kinds = {json.loads(line)["event"] for line in text.splitlines()}
    assert {"certificate.issued", "order.held", "account.exported", "account.rollover"} <= kinds
    assert "canary" not in text and "PRIVATE" not in text
    keys = [harness.read(os.path.join(folder, f)) for folder, _, files in os.walk(p.state_dir) for f in files
            if f.endswith((".pem", ".key")) and "PRIVATE KEY" in harness.read(os.path.join(folder, f))]
    assert len(keys) >= 3
    for pem in keys:
        body = "".join(line for line in pem.split("PRIVATE KEY-----")[1].split("-----")[0].split())
        raw = base64.b64decode(body)
        for form in (body, raw.hex(), base64.urlsafe_b64encode(raw).decode().rstrip("=")):
            assert form[20:60] not in text
    p.run("events", "verify").ok()
