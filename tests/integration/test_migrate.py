"""perdure migrate certbot, acme.sh, lego, dehydrated: on folders that these clients made themselves (foreign_clients.py)."""
import json
import os
import shutil

import pytest

import e2e
import harness
from foreign_clients import MAIL, RELOAD, TOOLS, Clients
from test_json_page import fields, page
from harness import Knot, Pebble, Perdure, read, verify_chain

ZONE = "w01.bench.test"


@pytest.fixture
def world(stage, monkeypatch):
    monkeypatch.setenv("PEBBLE_VA_ALWAYS_VALID", "1")  # the other clients prove nothing
    knot = Knot(stage, [ZONE])
    ca = Pebble(stage, knot.address, nonce_reject=0)  # dehydrated 0.7 gives up at a bad nonce
    p = Perdure(stage, {"cas": [ca.config_entry()], "dns": {"stubs": [knot.stub()]}})
    return ca, knot, p, Clients(stage, ca)


def lines(done, kind):
    return [line for line in done.lines() if line["kind"] == kind]


def tree(folder):
    """Everything in a folder: contents, links, modes."""
    return e2e.snapshot(folder)


def account_url(folder):
    """What the client's own file says."""
    for base, _, files in os.walk(folder):
        for name in files:
            text = read(os.path.join(base, name))
            for word in text.replace('"', " ").replace("'", " ").split():
                if "/my-account/" in word:
                    return word
    raise AssertionError("no account URL in " + folder)


def check_renewal(p, ca, knot, name, names):
    """The next renewal, with the imported account and standing records."""
    harness.publish_records(p, knot)
    done = p.run("renew", name, "--force-renewal", "--json").ok()
    assert [line["result"] for line in done.lines() if line.get("certificate") == name and "result" in line] == ["renewed"]
    verify_chain(p, name, ca.roots(), names)
    assert os.readlink(os.path.join(p.state_dir, "live", name)).endswith(f"/{name}/2")


def take_over(world, client, folder, expected):
    """Plan, configuration, import, import again, renewal, commit, undo. expected: lineage -> names."""
    ca, knot, p, _ = world
    before = tree(folder)
    plan = p.run("migrate", client, folder, "--json").ok()
    assert {c["certificate"]: sorted(c["names"]) for c in lines(plan, "certificate")} == {k: sorted(v) for k, v in expected.items()}
    assert {c["action"] for c in lines(plan, "certificate")} == {"import"}
    assert not os.path.exists(p.state_dir)
    assert p.run("migrate", client, folder, "--import", "--write-config", "conf.d/x.yaml", "--dry-run").ok()
    assert not os.path.exists(p.state_dir) and not os.path.exists(os.path.join(p.folder, "conf.d"))

    done = p.run("migrate", client, folder, "--import", "--write-config", "conf.d/x.yaml", "--json").ok()
    assert {r["result"] for r in lines(done, "result")} == {"imported"}
    assert p.run("config", "check").ok()
    assert sorted(c.name for c in os.scandir(os.path.join(p.state_dir, "live"))) == sorted(expected)
    for name, names in expected.items():
        verify_chain(p, name, ca.roots(), names)
    account = p.run("account", "show", "--live", "--json").ok().json()
    assert (account["url"], account["status"]) == (account_url(folder), "valid")
    assert account["contact"] == ["mailto:" + MAIL]
    told = [(e["event"], e.get("name")) for e in p.run("events", "show", "--json").ok().lines()]
    assert [e for e, _ in told].count("account.imported") == 1
    assert sorted(name for e, name in told if e == "certificate.imported") == sorted(expected)
    again = p.run("migrate", client, folder, "--import", "--json").ok()
    assert not lines(again, "result") and {c["action"] for c in lines(again, "certificate")} == {"here"}
    assert e2e.summary(p.run("renew", "--dry-run", "--json").ok())["due"] == 0
    first = sorted(expected)[0]
    check_renewal(p, ca, knot, first, expected[first])
    assert {c["action"] for c in lines(p.run("migrate", client, folder, "--json").ok(), "certificate")} == {"here"}
    assert tree(folder) == before

    assert p.run("migrate", client, folder, "--commit").rc == 2  # nobody to ask
    would = p.run("migrate", client, folder, "--commit", "--dry-run", "--json").ok()
    assert {r["result"] for r in lines(would, "result")} == {"would be exchanged"}
    assert tree(folder) == before
    committed = p.run("migrate", client, folder, "--commit", "--yes", "--force", "--json").ok()
    places = [r["name"] for r in lines(committed, "result")]
    assert places and {r["result"] for r in lines(committed, "result")} == {"exchanged"}
    assert [r["name"] for r in lines(would, "result")] == places
    for path in places:
        assert os.path.realpath(path).startswith(os.path.realpath(p.state_dir))
        assert os.path.exists(path)
    state = tree(folder)
    again = p.run("migrate", client, folder, "--commit", "--yes", "--force", "--json").ok()
    assert not lines(again, "result") and tree(folder) == state
    assert all(c["switched"] for c in lines(again, "certificate"))
    would = p.run("migrate", client, folder, "--undo", "--dry-run", "--json").ok()
    assert [(r["name"], r["result"]) for r in lines(would, "result")] == [(name, "would be put back") for name in places]
    assert tree(folder) == state
    assert p.run("migrate", client, folder, "--undo").ok()
    assert tree(folder) == before
    return plan, committed


def test_certbot(world):
    ca, _, p, clients = world
    folder = clients.certbot(ZONE)
    expected = {ZONE: [ZONE, "*." + ZONE], "odd.name_1": ["www." + ZONE, "a." + ZONE]}
    plan, committed = take_over(world, "certbot", folder, expected)
    assert set().union(*map(fields, plan.lines() + committed.lines())) == page()["migrate certbot"]
    first, odd = sorted(lines(plan, "certificate"), key=lambda c: c["certificate"] != ZONE)
    assert (first["key_type"], first["must_staple"], first["reuse_key"], first["method"]) == ("ec256", False, False, "manual, dns-01")
    assert (odd["key_type"], odd["must_staple"], odd["reuse_key"]) == ("rsa2048", True, True)
    assert {h["when"]: h["command"] for h in first["hooks"]} == {"before": "true", "deploy": RELOAD, "auth": "/bin/true"}
    assert [h["command"] for h in lines(plan, "client")[0]["hooks"]] == [os.path.join(folder, "renewal-hooks/deploy/reload.sh")]
    text = read(os.path.join(p.folder, "conf.d/x.yaml"))
    assert "certbot_hooks: { shell: " + json.dumps(RELOAD) in text and "certbot_hooks: { directory: " in text
    assert {r["name"] for r in lines(committed, "result")} == {os.path.join(folder, "live", n) for n in expected}


def test_lego(world):
    folder = world[3].lego(ZONE)
    idn = "xn--bcher-kva." + ZONE
    plan, _ = take_over(world, "lego", folder, {ZONE: [ZONE, "*." + ZONE], idn: [idn]})
    assert {c["key_type"] for c in lines(plan, "certificate")} == {"rsa2048", "ec256"}
    # A key that a service which is not root reads: our link would take it away.
    os.chmod(f"{folder}/certificates/{idn}.key", 0o644)
    before = tree(folder)
    done = world[2].run("migrate", "lego", folder, "--commit", "--yes")
    assert done.rc == 1 and "others than its owner may read the key" in done.err and "copy" in done.err, done
    assert tree(folder) == before
    # One of its files cannot be exchanged: none is, so that key and certificate stay of one kind.
    os.chmod(f"{folder}/certificates/{idn}.key", 0o600)
    in_the_way = harness.write(f"{folder}/certificates/{idn}.issuer.crt.before-perdure", "somebody's")
    before = {path: what for path, what in tree(folder).items() if idn in path}
    done = world[2].run("migrate", "lego", folder, "--commit", "--yes", "--json")
    results = {r["name"]: r["result"] for r in lines(done, "result")}
    assert done.rc == 4 and results.pop(f"{folder}/certificates/{idn}.issuer.crt") == "failed", done
    assert set(results.values()) == {"exchanged"} and not any(idn in name for name in results), done
    assert {path: what for path, what in tree(folder).items() if idn in path} == before
    os.unlink(in_the_way)
    assert world[2].run("migrate", "lego", folder, "--commit", "--yes").ok()
    assert os.path.islink(f"{folder}/certificates/{idn}.key")


def test_lego_5(world):
    """Version 5 keeps the key beside account.json, and the directory in it: made by hand from what version 4 wrote."""
    folder = world[3].lego(ZONE)
    account = next(b for b, _, f in os.walk(folder) if "account.json" in f)
    os.rename(f"{account}/keys/{MAIL}.key", f"{account}/{MAIL}.key")
    os.rmdir(f"{account}/keys")
    with open(f"{account}/account.json", encoding="utf-8") as f:
        text = json.load(f)
    harness.write(f"{account}/account.json", json.dumps({**text, "id": MAIL, "keyType": "EC256", "server": world[0].dir_url}))
    plan = world[2].run("migrate", "lego", folder, "--json").ok()
    assert [(a["action"], a["directory"], a["used"]) for a in lines(plan, "account")] == [("import", world[0].dir_url, 2)]
    assert {c["action"] for c in lines(plan, "certificate")} == {"import"}


def test_dehydrated(world):
    p = world[2]
    folder = world[3].dehydrated(ZONE)
    plan, _ = take_over(world, "dehydrated", folder, {ZONE: [ZONE, "www." + ZONE], "star": ["*." + ZONE, "*.b." + ZONE]})
    by_name = {c["certificate"]: c for c in lines(plan, "certificate")}
    assert (by_name[ZONE]["key_type"], by_name[ZONE]["reuse_key"]) == ("rsa2048", True)
    assert (by_name["star"]["key_type"], by_name["star"]["reuse_key"]) == ("ec256", False)
    notes = " ".join(lines(plan, "client")[0]["notes"])
    assert "config:11: a text in quotes that a shell would expand" in notes
    assert f'command: ["{folder}/hook.sh", deploy_cert, "{ZONE}"' in read(os.path.join(p.folder, "conf.d/x.yaml"))


def test_acmesh(world):
    p = world[2]
    folder = world[3].acmesh(ZONE)
    plan, _ = take_over(world, "acme.sh", folder, {ZONE: [ZONE, "*." + ZONE], "b." + ZONE: ["*.b." + ZONE]})
    ecc = next(c for c in lines(plan, "certificate") if c["id"] == ZONE + "_ecc")
    assert [h["command"] for h in ecc["hooks"]] == [RELOAD]
    assert len(ecc["copies"]) == 2
    text = read(os.path.join(p.folder, "conf.d/x.yaml"))
    assert f'copy: {{ key: "{ecc["copies"][0]}", fullchain: "{ecc["copies"][1]}"' in text and "shell: " + json.dumps(RELOAD) in text


def test_certbot_of_pypi(world):
    """A newer one than Debian's."""
    binary = os.path.join(TOOLS, "python/bin/certbot")
    if not os.path.exists(binary):
        pytest.skip("NO TOOLS: tests/requirements.txt is not installed in build/tools/python (make test does it)")
    folder = world[3].certbot(ZONE, binary)
    done = world[2].run("migrate", "certbot", folder, "--import", "--write-config", "conf.d/x.yaml", "--json").ok()
    assert {r["result"] for r in lines(done, "result")} == {"imported"} and len(lines(done, "result")) == 3
    check_renewal(world[2], world[0], world[1], "odd.name_1", ["www." + ZONE, "a." + ZONE])


def test_broken_and_interrupted(world, stage):
    """A folder of which half is broken: the rest is taken, whatever moment the import is killed at; and nothing hangs."""
    ca, _, p, clients = world
    folder = clients.certbot(ZONE)
    for name in ("no-key", "other-key", "garbage", "pipe", "empty"):
        shutil.copytree(f"{folder}/archive/{ZONE}", f"{folder}/archive/{name}")
        shutil.copytree(f"{folder}/live/{ZONE}", f"{folder}/live/{name}", symlinks=True)
        shutil.copy(f"{folder}/renewal/{ZONE}.conf", f"{folder}/renewal/{name}.conf")
        for f in ("privkey", "cert", "chain", "fullchain"):
            os.unlink(f"{folder}/live/{name}/{f}.pem")
            os.symlink(f"../../archive/{name}/{f}1.pem", f"{folder}/live/{name}/{f}.pem")
    os.unlink(f"{folder}/live/no-key/privkey.pem")
    shutil.copy(f"{folder}/archive/odd.name_1/privkey1.pem", f"{folder}/archive/other-key/privkey1.pem")
    for f in ("cert", "chain", "fullchain", "privkey"):
        harness.write(f"{folder}/archive/garbage/{f}1.pem", "\x00\x01 no PEM \n" * 50)
    for f in ("cert", "fullchain", "privkey"):
        os.unlink(f"{folder}/archive/pipe/{f}1.pem")
        os.mkfifo(f"{folder}/archive/pipe/{f}1.pem")
    harness.write(f"{folder}/renewal/empty.conf", "")
    harness.write(f"{folder}/renewal/binary.conf", "\x00\xff[[[\n=\n= =\n[renewalparams\nx")
    base = os.path.dirname(next(b for b, _, f in os.walk(folder + "/accounts") if "private_key.json" in f))
    os.makedirs(base + "/" + "0" * 32)
    harness.write(f"{base}/{'0' * 32}/private_key.json", '{"kty": "RSA", "n": "AQ')
    before = tree(folder)

    plan = p.run("migrate", "certbot", folder, "--json")
    assert plan.rc == 4, plan
    why = {c["id"]: c["why"] for c in lines(plan, "certificate") if c["action"] == "cannot"}
    assert set(why) == {"no-key", "other-key", "garbage", "pipe", "binary"}
    assert "No such file" in why["no-key"] and "not a regular file" in why["pipe"] and "key" in why["other-key"]
    assert {a["id"]: a["action"] for a in lines(plan, "account")}["0" * 32] == "cannot"
    taken = {c["id"] for c in lines(plan, "certificate") if c["action"] == "import"}
    assert taken >= {ZONE, "odd.name_1"}

    # Killed after the account's key, and after a certificate's files; then to the end.
    faulty = Perdure(stage, {k: v for k, v in p.config.items() if k != "state_dir"}, binary=e2e.faults_path())
    faulty.run("migrate", "certbot", folder, "--write-config", "conf.d/x.yaml", "--json")
    for point in ("migrate.key", "migrate.installed", "migrate.installed:2"):
        killed = faulty.run("migrate", "certbot", folder, "--import", "--json", env={"PERDURE_FAULT": point})
        assert killed.rc == -9, killed
    done = faulty.run("migrate", "certbot", folder, "--import", "--json")
    assert done.rc == 4, done
    assert not [r for r in lines(done, "result") if r["result"] != "imported"], done
    live = set(os.listdir(os.path.join(faulty.state_dir, "live")))
    assert {ZONE, "odd.name_1"} <= live
    for name in live:
        e2e.check_generation(os.path.realpath(os.path.join(faulty.state_dir, "live", name)))
    assert faulty.run("account", "show", "--live").ok()
    assert tree(folder) == before


def test_nothing_is_run(make_perdure, stage):
    """Shell in configuration is neither run nor believed. The folders are written by hand for this."""
    proof = os.path.join(stage.dir, "proof")
    p = make_perdure({"cas": ["letsencrypt"]})
    folder = stage.folder("acme.sh")
    os.makedirs(f"{folder}/x.test")
    evil = [f"A=$(touch {proof})", f"B=`touch {proof}`", f'C="$(touch {proof})"', f"touch {proof}", f"D=x; touch {proof}", f"E=x touch {proof}",
            f"F='x'$(touch {proof})", "G='two", "lines'", "if true; then", f". {proof}", "H=<(true)", "I=~root", "J=$HOME"]
    harness.write(f"{folder}/account.conf", "\n".join(evil) + "\n")
    harness.write(f"{folder}/x.test/x.test.conf", "Le_Domain='x.test'\nLe_API='https://acme-v02.api.letsencrypt.org/directory'\n" + "\n".join(evil) + "\n")
    done = p.run("migrate", "acme.sh", folder, "--json")
    assert done.rc in (1, 4), done
    notes = [n for n in lines(done, "client")[0]["notes"] if "account.conf" in n]
    assert len(notes) == len(evil), notes
    assert not os.path.exists(proof)
    dehydrated = stage.folder("dehydrated")
    harness.write(f"{dehydrated}/config", f"CA=$(touch {proof})\nHOOK={proof}\n")
    harness.write(f"{dehydrated}/domains.txt", f"x.test $(touch {proof})\n*.wild.test\n../../etc > ../../etc\n10.0.0.1\n")
    done = p.run("migrate", "dehydrated", dehydrated, "--json")
    assert done.rc in (1, 4) and not os.path.exists(proof), done
    assert {c["certificate"] for c in lines(done, "certificate")} == {"x.test", "wild.test", "10.0.0.1"}


def test_wrong_folder(make_perdure, stage):
    p = make_perdure({"cas": ["letsencrypt"]})
    for client in ("certbot", "acme.sh", "lego", "dehydrated"):
        for path in (stage.folder("empty"), "/nonexistent", "/etc/hostname"):
            done = p.run("migrate", client, path)
            assert done.rc == 2 and f"no folder of {client}" in done.err or f"not a folder of {client}" in done.err, done
            assert "hint:" in done.err
