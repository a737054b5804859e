"""The command line as its users meet it: help, JSON, the manual page, accounts that move, are shown, and end."""
import json
import os
import re
import subprocess

import pytest

import harness
from e2e import Fleet, results, snapshot
from harness import Pebble, Perdure, publish_records, read, set_up_account, tool


def verbs():
    """All commands, as `perdure --help` lists them."""
    text = subprocess.run([harness.perdure_path(), "--help"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^  ((?:[a-z]+ )?[a-z]+)(?: [\[A-Z][^ ]*| --\S+)*  +\S", text, re.M)
    return [v for v in found if v]


def help_of(verb):
    p = subprocess.run([harness.perdure_path(), *verb.split(), "--help"], capture_output=True, text=True, check=False)
    assert p.returncode == 0 and not p.stderr, p
    return p.stdout


EXPECTED = {"init", "config check", "account register", "account show", "account list", "account deactivate", "account export",
            "account import", "ca list", "ca probe", "record show", "record judge", "check", "audit", "issue", "renew", "status", "delete", "doctor"}


def test_help_and_manual_page():
    found = verbs()
    assert EXPECTED <= set(found), (EXPECTED - set(found), found)
    page = tool("mandoc", "-T", "ascii", "-O", "width=200", os.path.join(harness.ROOT, "man/perdure.1"))
    page = re.sub(r".\x08", "", page)
    for verb in found:
        text = help_of(verb)
        assert "perdure " + verb in text and re.search(r"xample", text), text
        sections = re.split(r"\n(?:   )?(?=\S)", page)
        section = [s for s in sections if re.match(re.escape(verb) + r"(?= |\n)(?! [a-z])", s)]
        assert len(section) == 1, f"{verb}: {len(section)} sections of perdure(1)"
        options = set(re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", text, re.M))
        assert "--json" in options and "--help" in options, text
        for option in options - {"--config", "--json", "--quiet", "--verbose", "--help"}:
            assert re.search(re.escape(option) + r"(?![a-z-])", section[0]), f"perdure(1) does not have {option} of {verb}"
        for option in re.findall(r"(?<![\w-])(--[a-z-]+)", section[0]):
            assert option in text, f"perdure(1) has {option} for {verb}, --help has not"
    for option in ("--config", "--json", "--quiet", "--verbose", "--help"):
        assert option in page


def test_every_command_speaks_json(fleet):
    p, ca, _, names = fleet(2)
    secret = harness.write(os.path.join(p.folder, "pass"), "a long passphrase\n", 0o600)
    sealed = os.path.join(p.folder, "sealed")
    question = json.dumps({"id": 1, "txt": [["ca.test;accounturi=https://ca.test/1"]], "identifier": "example.com", "wildcard": False,
                           "draft": "01", "issuer_domain_names": ["ca.test"], "account_uri": "https://ca.test/1", "now": 1})
    done = set()
    for line, more in (
        ("config check", {}),
        ("account register --agree-tos", {}),
        ("account show", {}), ("account show --public", {}), ("account show --live", {}),
        ("account list", {}),
        ("ca list", {}), ("ca probe pebble", {}),
        ("record show", {}),
        ("record judge", {"input": question + "\n"}),
        ("check --all", {}), ("audit --look txt", {}), ("audit --list-rules", {}),
        (f"issue {names[0]} --dry-run", {}), (f"issue {names[0]}", {}),
        ("renew --dry-run", {}), ("renew", {}), ("renew", {}),
        ("status", {}), (f"status {names[0]}", {}),
        ("doctor", {}), ("doctor --offline", {}),
        (f"account export --out {sealed} --passphrase-file {secret}", {}),
        (f"account import {sealed} --passphrase-file {secret}", {}),
        (f"delete {names[1]} --dry-run", {}), (f"delete {names[1]} --yes", {}),
        ("account deactivate --dry-run", {}), ("account deactivate --yes", {}),
        ("init --ca google --dry-run", {}),
    ):
        result = p.run(*line.split(), "--json", **more)
        assert result.rc == 0, str(result)
        assert result.lines() and all(isinstance(value, dict) for value in result.lines()), f"{line}: {result}"
        done.add(" ".join(line.split()[:2]) if " ".join(line.split()[:2]) in EXPECTED else line.split()[0])
    assert done == EXPECTED
    # Failures too are told in the same way: on standard error, with nothing on standard output that is not JSON.
    result = p.run("renew", "--json")
    assert result.rc != 0 and all(isinstance(value, dict) for value in result.lines())


def test_account_moves_to_another_host(fleet):
    p, ca, knot, names = fleet(2)
    secret = harness.write(os.path.join(p.folder, "pass"), "correct horse battery\n", 0o600)
    sealed = os.path.join(p.folder, "pebble.account")
    p.run("account", "export", "--out", sealed, "--passphrase-file", secret).ok()
    assert os.stat(sealed).st_mode & 0o7777 == 0o600 and "PRIVATE KEY" not in read(sealed)
    again = p.run("account", "export", "--out", sealed, "--passphrase-file", secret)
    assert again.rc == 2 and "exists already" in again.err

    q = Perdure(p.stage, harness.p_config(ca, knot, names))
    wrong = harness.write(os.path.join(q.folder, "pass"), "something else\n", 0o600)
    bad = q.run("account", "import", sealed, "--passphrase-file", wrong)
    assert bad.rc in (1, 2) and "passphrase" in bad.err and not os.path.exists(os.path.join(q.state_dir, "accounts")), str(bad)
    open_to_all = harness.write(os.path.join(q.folder, "open"), "correct horse battery\n", 0o644)
    assert "chmod 600" in q.run("account", "import", sealed, "--passphrase-file", open_to_all).err
    q.run("account", "import", sealed, "--passphrase-file", secret).ok()
    assert q.run("account", "show", "--json").ok().json()["url"] == p.run("account", "show", "--json").ok().json()["url"]
    key = "accounts/pebble/key.pem"
    assert read(os.path.join(q.state_dir, key)) == read(os.path.join(p.state_dir, key))
    assert os.stat(os.path.join(q.state_dir, key)).st_mode & 0o7777 == 0o600
    # No new record is needed.
    assert set(results(q.run("renew", "--json").ok()).values()) == {"issued"}
    # Another account is not overwritten.
    r = Perdure(p.stage, harness.p_config(ca, knot, names))
    set_up_account(r)
    before = snapshot(r.state_dir)
    bad = r.run("account", "import", sealed, "--passphrase-file", secret)
    assert bad.rc == 2 and "another account" in bad.err and snapshot(r.state_dir) == before


def test_another_contact(make_testca, stage):
    """Registering again makes no second account, and takes over the contact that is given."""
    ca = make_testca(None, always_valid=True)
    p = harness.Perdure(stage, {"cas": [{"name": "box", "directory": ca.dir_url, "ca_bundle": ca.ca_bundle}]})
    register = ("account", "register", "--agree-tos", "--json")
    first = p.run(*register, "--contact", "a@example.com").ok().json()
    again = p.run(*register, "--contact", "b@example.com", "--contact", "c@example.com").ok().json()
    assert first["new"] and not again["new"] and first["url"] == again["url"]
    assert again["contact"] == ["mailto:b@example.com", "mailto:c@example.com"]
    live = p.run("account", "show", "--live", "--json").ok().json()
    assert live["contact"] == again["contact"]
    # nothing is said of contacts: they stay
    assert p.run(*register).ok().json()["contact"] == again["contact"]


def test_public_account_data(fleet):
    """A host without the key prints the same records and judges them, and says where renewing is done."""
    p, ca, knot, names = fleet(3)
    public = p.run("account", "show", "--public").ok().out
    q = Perdure(p.stage, {})
    q.configure(f"state_dir: {json.dumps(q.state_dir)}\n" + public + f"    ca_bundle: {ca.ca_bundle}\n" + harness.to_yaml(
        {"dns": {"stubs": [knot.stub()]}, "certificates": p.config["certificates"]}))
    for args in (("record", "show", "--format", "zone"), ("record", "show", "--json"), ("check", "--all")):
        assert q.run(*args).ok().out == p.run(*args).ok().out
    done = q.run("renew")
    assert done.rc in (1, 2) and "another host" in done.out + done.err, str(done)
    assert not os.path.exists(os.path.join(q.state_dir, "accounts"))


def test_deactivated(fleet):
    p, ca, _, names = fleet(1)
    p.run("renew").ok()
    asked = p.run("account", "deactivate")
    assert asked.rc == 2 and "--yes" in asked.err and "nothing was deactivated" in asked.err
    url = p.run("account", "show", "--json").ok().json()["url"]
    assert p.run("account", "deactivate", "--yes").ok().out.strip() == f"{url} is deactivated"
    assert p.run("account", "show", "--json").ok().json()["status"] == "deactivated"
    requests = ca.request_count()
    done = p.run("renew", "--force-renewal")
    assert done.rc in (1, 2) and "deactivated" in done.out + done.err and "hint" in done.err, str(done)
    assert ca.request_count() == requests
    doctor = p.run("doctor")
    assert doctor.rc == 1 and "deactivated" in doctor.out
    check = p.run("check", names[0], "--json")
    assert check.rc == 5 and "account-deactivated" in [f["code"] for f in check.json()["findings"]]
    assert "PD208" in {f.get("rule") for f in p.run("audit", "--look", "txt", "--json").lines()}
    assert os.path.exists(p.live(names[0], "cert.pem"))


def test_delete(fleet):
    p, _, _, names = fleet(2)
    p.run("renew").ok()
    asked = p.run("delete", names[0])
    assert asked.rc == 2 and "--yes" in asked.err and os.path.exists(p.live(names[0], "privkey.pem"))
    p.run("delete", names[0], "--yes").ok()
    assert os.listdir(os.path.join(p.state_dir, "live")) == os.listdir(os.path.join(p.state_dir, "archive")) == [names[1]]
    gone = p.run("delete", "nobody", "--yes")
    assert gone.rc == 2 and "nobody" in gone.err
    assert results(p.run("renew", "--json").ok()) == {names[0]: "issued"}


def test_doctor(fleet):
    p, ca, knot, names = fleet(1)

    def checks(rc):
        done = p.run("doctor", "--json")
        assert done.rc == rc, str(done)
        return [(line["check"], line["result"]) for line in done.lines()]

    assert all(result in ("ok", "note", "odd", "warning") for _, result in checks(0))
    p.run("renew").ok()
    assert {result for _, result in checks(0)} == {"ok"}
    # A key that is not the certificate's.
    live = os.path.realpath(p.live(names[0], "privkey.pem"))
    good = read(live)
    harness.write(live, tool("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), 0o600)
    assert [c for c, result in checks(1) if result != "ok"] == ["certificates"]
    harness.write(live, good, 0o600)
    # The account key lost; the CA down.
    key = os.path.join(p.state_dir, "accounts/pebble/key.pem")
    os.rename(key, key + ".away")
    done = p.run("doctor")
    assert done.rc == 1 and re.search("key.*missing", done.out) and "account import" in done.out, str(done)
    os.rename(key + ".away", key)
    ca.stop()
    assert [c for c, result in checks(1) if result != "ok"] == ["pebble"]
    assert {result for c, result in [(line["check"], line["result"]) for line in p.run("doctor", "--offline", "--json").ok().lines()]} == {"ok"}


def test_init_to_certificate(stage):
    """The way of the README, from an empty folder."""
    names = harness.zones_named(1)
    knot = harness.Knot(stage, names)
    ca = Pebble(stage, knot.address)
    p = Perdure(stage, "")
    os.unlink(p.config_file)
    done = p.run("init", "--ca", "google", "--state-dir", p.state_dir, *[names[0], "*." + names[0]])
    assert done.rc == 0 and os.path.exists(p.config_file) and "set eab:" in done.out, str(done)
    p.run("config", "check").ok()
    assert os.listdir(os.path.join(p.state_dir, "accounts"))
    assert p.run("init", "--state-dir", "here").rc == 2
    assert f"perdure init --ca letsencrypt-staging {names[0]}" in p.run("init", names[0]).err
    # What is commented out is what holds.
    at_home = {"HOME": p.folder, "XDG_STATE_HOME": p.folder}
    assert f"\n#state_dir: {p.folder if os.geteuid() else '/var/lib'}/perdure\n" in p.run("init", "--dry-run", env=at_home).ok().out
    again = p.run("init", "--ca", "google")
    assert again.rc == 2 and "exists" in again.err
    assert "google" in read(p.config_file) and "*." + names[0] in read(p.config_file)
    p.configure(harness.p_config(ca, knot, names))
    set_up_account(p)
    publish_records(p, knot)
    assert results(p.run("renew", "--json").ok()) == {names[0]: "issued"}


def test_another_directory_is_another_account(stage):
    """A CA's entry whose directory was changed: its account belongs to the old one, and is neither used there nor made anew."""
    ca, other = harness.TestCA(stage), harness.TestCA(stage)
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.test"]}]})
    harness.set_up_account(p)
    p.configure({**p.config, "cas": [other.config_entry()]})
    for command in (["renew"], ["account", "register", "--agree-tos"], ["record", "show"]):
        done = p.run(*command)
        assert done.rc == 2 and "an account belongs to one CA" in done.err and "another name" in done.err, done
    assert other.request_count() == 0
