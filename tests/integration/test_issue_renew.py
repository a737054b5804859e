"""Issuing and renewing against real CAs and a real DNS server: from the record to the certificate, and everything that may stand between."""
import os
import re
import socket
import time

import pytest

import harness
from e2e import (Fleet, archived, at_time, cert_public_key, cert_text, check_rest, issued_serials, need_faketime, order_count, plain_path,
                 public_key, results, rows, serial_of, snapshot, summary)
from harness import Knot, Pebble, Perdure, publish_records, read, set_up_account, tool, verify_chain


def test_fifty_orders(stage):
    """As a CA is in earnest: it refuses one nonce in twenty, takes seconds to validate, and says when to ask again. HTTP/2 all along."""
    f = Fleet(stage, 50, 25, retry_after=None, va_sleep=True)
    done = f.p.run("renew", "--json", "-vv", timeout=300).ok()
    assert results(done) == {name: "issued" for name in f.names}
    assert summary(done)["issued"] == 50 and summary(done)["failed"] == 0
    assert sum(line.get("repeats", 0) for line in done.lines()) > 0, "no nonce was refused: the test proves less than it says"
    serials = f.verify()
    assert sorted(s.lstrip("0") for s in serials.values()) == f.issued() == archived(f.p)
    assert f.orders() == 50
    check_rest(f.p, f.names)
    versions = re.findall(r"(?:GET|HEAD|POST) https://localhost\S+: \d+ \(HTTP/([\d.]+)\)", done.err)
    assert len(versions) > 50 * 8 and set(versions) == {"2.0"}

    # Nothing is due now. The first run asks when each is to be renewed, the others know.
    before = sum(ca.request_count() for ca in f.cas)
    again = f.p.run("renew", "--json").ok()
    assert results(again) == {} and summary(again)["due"] == 0
    assert sum(ca.request_count() for ca in f.cas) == before + 25 + 50
    told = [line for line in f.p.run("status", "--json").ok().lines() if line["window_start"]]
    assert told and all(line["window_start"] <= line["renew_at"] <= line["window_end"] for line in told)
    before += 25 + 50
    assert f.p.run("renew", "--exit-code").rc == 3
    assert f.p.run("renew", f.names[0], "--exit-code").rc == 3
    assert sum(ca.request_count() for ca in f.cas) == before


@pytest.mark.long
def test_five_hundred_orders(stage):
    f = Fleet(stage, 500, 20, va_sleep=True, retry_after=1, watchdog=True)
    got = {}
    for _ in range(4):
        done = f.p.run("renew", "--json", timeout=1800)
        got.update({name: result for name, result in results(done).items() if result != "parked"})
        if done.rc == 0:
            break
        # A Pebble that hung was restarted with an empty memory: its account is another one now.
        assert any(ca.hangs for ca in f.cas), done
        for i, ca in enumerate(f.cas):
            if ca.hangs:
                os.unlink(os.path.join(f.p.state_dir, "accounts", f"ca{i}", "key.pem"))
                set_up_account(f.p, f"ca{i}")
        publish_records(f.p, f.knot)
    assert got == {name: "issued" for name in f.names}
    if not any(ca.hangs for ca in f.cas):
        f.verify()
        assert f.orders() == 500 and f.issued() == archived(f.p)
    check_rest(f.p, f.names)


def test_kinds_of_certificates(stage):
    names = harness.zones_named(7)
    knot = Knot(stage, names)
    ca = Pebble(stage, knot.address, alternates=2)
    roots = [tool("openssl", "x509", "-noout", "-subject", "-nameopt", "multiline", stdin=ca.get(f"{ca.mgmt_url}/roots/{i}").decode())
             for i in range(3)]
    wanted_root = re.search(r"commonName\s*= (.*)", roots[2])[1]
    san = ["a." + names[1], "b.c." + names[1], names[1]]
    p = Perdure(stage, harness.p_config(ca, knot, [], certificates=[
        {"name": "wild", "names": [names[0], "*." + names[0]]},
        {"name": "san", "names": san},
        {"name": "rsa", "names": [names[2]], "key": "rsa2048"},
        {"name": "p384", "names": [names[3]], "key": "ec384"},
        {"name": "staple", "names": [names[4]], "must_staple": True},
        {"name": "same-key", "names": [names[5]], "reuse_key": True, "profile": "shortlived"},
        {"name": "chain", "names": [names[6]], "preferred_chain": wanted_root, "profile": "default"},
    ]))
    set_up_account(p)
    publish_records(p, knot)
    assert set(results(p.run("renew", "--json").ok()).values()) == {"issued"}
    all_roots = ca.roots()
    verify_chain(p, "wild", all_roots, [names[0], "*." + names[0]])
    verify_chain(p, "san", all_roots, san)
    for name, zone, word in (("rsa", names[2], "rsaEncryption"), ("p384", names[3], "secp384r1"), ("wild", None, "prime256v1"),
                             ("staple", names[4], "prime256v1")):
        if zone:
            verify_chain(p, name, all_roots, [zone])
        assert word in cert_text(p.live(name, "cert.pem")), name
    assert "TLS Feature" in cert_text(p.live("staple", "cert.pem"))
    assert "TLS Feature" not in cert_text(p.live("wild", "cert.pem"))

    # The chain that was asked for ends at the third root only.
    one = harness.write(os.path.join(stage.folder("roots"), "one.pem"), ca.get(f"{ca.mgmt_url}/roots/2").decode())
    verify_chain(p, "chain", one, [names[6]])
    with pytest.raises(harness.HarnessError):
        verify_chain(p, "wild", one, [names[0], "*." + names[0]])

    status = {line["certificate"]: line for line in p.run("status", "--json").ok().lines()}
    day = 86400
    for name, days in (("same-key", 6), ("chain", 90)):
        begin, end = (time.mktime(time.strptime(status[name][m], "%Y-%m-%dT%H:%M:%SZ")) for m in ("not_before", "not_after"))
        assert abs(end - begin - days * day) < 10

    keys = {name: public_key(p.live(name, "privkey.pem")) for name in status}
    assert set(results(p.run("renew", "--json", "--force-renewal").ok()).values()) == {"renewed"}
    for name, key in keys.items():
        assert (public_key(p.live(name, "privkey.pem")) == key) == (name == "same-key"), name
    archived(p)
    check_rest(p, list(status))


def test_preferred_chain_that_is_not_offered(fleet):
    """The CA's own chain is taken, and that is said."""
    p, ca, _, names = fleet(1)
    p.configure({**p.config, "defaults": {"ca": ["pebble"], "preferred_chain": "No Such Root X9"}})
    done = p.run("renew").ok()
    assert "No Such Root X9" in done.err and "warning" in done.err
    verify_chain(p, names[0], ca.roots(), [names[0], "*." + names[0]])


def make_csr(folder, name, *sans, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
    path = os.path.join(folder, name)
    more = ["-addext", "subjectAltName=" + ",".join(sans)] if sans else []
    tool("openssl", "req", "-new", "-newkey", *key, "-nodes", "-subj", "/", *more, "-keyout", path + ".key", "-out", path + ".csr")
    return path


def test_foreign_requests(fleet):
    """--csr: the key stays elsewhere, in the file system and in the database; a request that cannot be kept is refused before an order."""
    p, ca, _, names = fleet(2)
    folder = p.stage.folder("csr")
    good = make_csr(folder, "good", "DNS:" + names[0], "DNS:*." + names[0])
    done = p.run("issue", "--csr", good + ".csr", "--name", "device", "--json").ok()
    assert done.json()["result"] == "issued"
    live = os.path.join(p.state_dir, "live/device")
    assert sorted(os.listdir(live)) == ["cert.pem", "chain.pem", "fullchain.pem"]
    assert cert_public_key(os.path.join(live, "cert.pem")) == public_key(good + ".key")
    assert rows(p, "SELECT * FROM work") == []
    assert p.run("doctor").rc == 0
    # Again, with DER: the next generation.
    tool("openssl", "req", "-in", good + ".csr", "-outform", "DER", "-out", good + ".der")
    assert p.run("issue", "--csr", good + ".der", "--name", "device", "--json").ok().json()["result"] == "renewed"

    torn = make_csr(folder, "torn", "DNS:" + names[1])
    text = read(torn + ".csr").splitlines()
    text[-3] = text[-3][:-8] + ("AAAAAAAA" if text[-3][-8:] != "AAAAAAAA" else "BBBBBBBB")
    harness.write(torn + ".csr", "\n".join(text) + "\n")
    for request, words in (
        (torn, "request"),
        (make_csr(folder, "bare"), "names"),
        (make_csr(folder, "address", "DNS:" + names[1], "IP:192.0.2.1"), "IP address"),
        (make_csr(folder, "mail", "DNS:" + names[1], "email:a@example.com"), "only DNS names"),
        (make_csr(folder, "weak", "DNS:" + names[1], key=("rsa:1024",)), "1024"),
        (make_csr(folder, "label", "DNS:bad_label." + names[1]), "bad_label"),
    ):
        orders = order_count(ca)
        done = p.run("issue", "--csr", request + ".csr", "--name", "bad")
        assert done.rc in (1, 2) and words in done.err and request + ".csr" in done.err, str(done)
        assert order_count(ca) == orders
    done = p.run("issue", "--csr", torn + ".key")
    assert done.rc in (1, 2) and "request" in done.err
    done = p.run("issue", "--csr", good + ".csr", names[0])
    assert done.rc == 2 and "--csr" in done.err
    assert os.listdir(os.path.join(p.state_dir, "archive")) == ["device"]


def test_eab_and_terms(stage):
    names = harness.zones_named(1)
    knot = Knot(stage, names)
    ca = Pebble(stage, knot.address, eab=True)
    p = Perdure(stage, harness.p_config(ca, knot, names))
    done = p.run("account", "register", "--agree-tos")
    assert done.rc in (1, 2) and "eab:" in done.err and "hint" in done.err, str(done)
    file = harness.write(os.path.join(p.folder, "hmac"), ca.eab_key + "\n", 0o644)
    p.configure(harness.p_config(ca, knot, names, ca_options={"eab": {"kid": ca.eab_kid, "hmac_key_file": file}}))
    done = p.run("account", "register", "--agree-tos")
    assert done.rc in (1, 2) and file in done.err and "chmod 600" in done.err, str(done)
    os.chmod(file, 0o600)
    done = p.run("account", "register")
    assert done.rc in (1, 2) and "--agree-tos" in done.err and "data:text/plain,Do%20what" in done.err, str(done)
    done = p.run("renew")
    assert done.rc in (1, 2) and "account register" in done.err
    p.run("account", "register", "--agree-tos").ok()
    url = p.run("account", "show", "--json").ok().json()["url"]
    os.unlink(file)
    # It is found again without the secret, and everything goes on without it.
    p.run("account", "register", "--agree-tos").ok()
    assert p.run("account", "show", "--json").ok().json()["url"] == url
    publish_records(p, knot)
    assert results(p.run("renew", "--json").ok()) == {names[0]: "issued"}


@pytest.mark.parametrize("kind, accepted", [("rsa2048", True), ("ec384", True), ("ed25519", False)])
def test_account_keys(stage, kind, accepted):
    names = harness.zones_named(1)
    knot = Knot(stage, names)
    ca = Pebble(stage, knot.address)
    p = Perdure(stage, harness.p_config(ca, knot, names, ca_options={"account_key": kind}))
    done = p.run("account", "register", "--agree-tos")
    if not accepted:
        assert done.rc == 1 and "ed25519" in done.err and "set account_key: ec256" in done.err, str(done)
        # As it says.
        os.unlink(re.search(r"remove (\S+)", done.err)[1])
        p.configure(harness.p_config(ca, knot, names))
        p.run("account", "register", "--agree-tos").ok()
        return
    publish_records(p, knot)
    assert results(p.run("renew", "--json").ok()) == {names[0]: "issued"}


def test_due_at_half_of_a_short_life(stage):
    need_faketime()
    f = Fleet(stage, 1, binary=plain_path(), config={"defaults": {"profile": "tiny"}})
    name = f.names[0]
    assert results(f.p.run("renew", "--json").ok()) == {name: "issued"}
    first = serial_of(f.p.live(name, "cert.pem"))
    # Ten minutes long: due after five, or up to an eighth of them earlier.
    assert results(f.p.run("renew", "--json", **at_time("+200s")).ok()) == {}
    line = f.p.run("renew", "--json", "--dry-run", **at_time("+310s")).ok().lines()[0]
    assert line["certificate"] == name and line["due"] == "expiring"
    assert results(f.p.run("renew", "--json", **at_time("+310s")).ok()) == {name: "renewed"}
    assert serial_of(f.p.live(name, "cert.pem")) != first


def test_names_changed_and_unknown(fleet):
    p, ca, knot, names = fleet(2)
    p.run("renew").ok()
    certs = p.config["certificates"]
    p.configure({**p.config, "certificates": [certs[0], {"name": names[1], "names": [names[1], "www." + names[1], "*." + names[1]]}]})
    lines = p.run("renew", "--dry-run", "--json").ok().lines()
    assert [(line["certificate"], line["due"]) for line in lines if "certificate" in line] == [(names[1], "names")]
    publish_records(p, knot)
    assert results(p.run("renew", "--json").ok()) == {names[1]: "renewed"}
    verify_chain(p, names[1], ca.roots(), [names[1], "www." + names[1], "*." + names[1]])
    assert p.run("renew", "--exit-code").rc == 3

    done = p.run("renew", "nobody.example.com")
    assert done.rc == 2 and "nobody.example.com" in done.err and "perdure status" in done.err
    # live/ lost: it is issued anew.
    os.unlink(os.path.join(p.state_dir, "live", names[0]))
    assert results(p.run("renew", "--json").ok()) == {names[0]: "renewed"}


def test_dry_run_does_nothing(fleet):
    p, ca, _, names = fleet(2)
    p.run("renew", names[0]).ok()
    before, requests = snapshot(p.state_dir), ca.request_count()
    for args in (("renew",), ("renew", "--force-renewal"), ("renew", names[1]), ("issue", names[1])):
        text = p.run(*args, "--dry-run").ok().out
        assert "would" in text and names[1] in text
        for line in p.run(*args, "--dry-run", "--json").ok().lines():
            assert line
    assert snapshot(p.state_dir) == before
    assert ca.request_count() == requests


def test_held_then_resumed(fleet):
    """An absent record holds the order: the challenge is not answered. Once published, the same order goes on."""
    p, ca, knot, names = fleet(2, authz_reuse=0)
    owner = f"_validation-persist.{names[0]}."
    record = [line for line in publish_records(p, knot) if owner in line][0]
    knot.nsupdate([f"del {owner} TXT"])
    done = p.run("renew", "--json")
    assert done.rc == 4 and results(done) == {names[0]: "held", names[1]: "issued"}, str(done)
    line = [line for line in done.lines() if line.get("certificate") == names[0]][0]
    told = line["error"] + line["hint"]
    assert owner.rstrip(".") in told and "ca.test;accounturi=" in told, line
    # Base name and wildcard share a record: nobody is sent to publish one that does for the base name only.
    lines = set(re.findall(r'IN TXT "([^"]*)"', line["hint"] + " ".join(s["detail"] for s in line["subproblems"])))
    assert lines == {record.partition('"')[2].rstrip('"')}, line
    # Two authorizations of the other certificate were validated, none of this one.
    log = read(ca.log)
    assert f'Value:"{names[0]}"' not in log and f'Value:"{names[1]}"' in log
    assert order_count(ca) == 2 and rows(p, "SELECT cert FROM work") == [(names[0],)]

    again = p.run("renew", names[0])
    assert again.rc == 1 and owner.rstrip(".") in again.err
    wrong = record.replace("ca.test;", "other.test;")
    knot.nsupdate([wrong])
    assert p.run("renew", names[0]).rc == 1
    assert f'Value:"{names[0]}"' not in read(ca.log)

    publish_records(p, knot)
    done = p.run("renew", "--json").ok()
    line = done.lines()[0]
    assert line["result"] == "issued" and line["resumed"] is True
    assert order_count(ca) == 2 and len(issued_serials(ca)) == 2
    check_rest(p, names)


def test_force_goes_on(fleet):
    """--force answers the challenge although the record would be refused; what the CA says then is told, and its order is given up."""
    p, ca, knot, names = fleet(1)
    knot.nsupdate([f"del _validation-persist.{names[0]}. TXT"])
    assert p.run("renew", names[0]).rc == 1
    done = p.run("renew", names[0], "--force")
    assert done.rc == 1 and f"_validation-persist.{names[0]}" in done.err and "CA says: unauthorized" in done.err, str(done)
    assert f'Value:"{names[0]}"' in read(ca.log)
    assert rows(p, "SELECT * FROM work") == []
    publish_records(p, knot)
    # The waiting time after a failure is for runs that do not name it.
    assert results(p.run("renew", "--json").ok()) == {} and summary(p.run("renew", "--json").ok())["waiting"] == 1
    assert results(p.run("renew", names[0], "--json").ok()) == {names[0]: "issued"}
    assert order_count(ca) == 2


def test_silent_name_servers(fleet):
    """Servers that do not answer us are a warning: the CA may well reach them."""
    p, _, knot, names = fleet(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        p.configure({**p.config, "dns": {"stubs": [{**knot.stub(), "port": s.getsockname()[1]}], "timeout": "1s"}})
        done = p.run("renew")
    assert done.rc == 0 and "warning" in done.err and names[0] in done.err, str(done)
    assert "issued " + names[0] in done.out


def test_level_00(stage, pebble00):
    """A CA whose challenge does not name the account."""
    f = Fleet(stage, 6, 3, ca_binary=pebble00, va_sleep=True)
    assert set(results(f.p.run("renew", "--json", timeout=200).ok()).values()) == {"issued"}
    f.verify()
    assert f.orders() == 6
    check_rest(f.p, f.names)


def test_ca_restarted_forgets_the_account(fleet):
    """accountDoesNotExist stops the account's orders at once, and no new account is made behind the operator's back."""
    p, ca, _, names = fleet(5)
    url = p.run("account", "show", "--json").ok().json()["url"]
    ca.restart()
    before = ca.request_count()
    done = p.run("renew", "--json")
    assert done.rc == 1 and set(results(done).values()) == {"failed"} and len(results(done)) == 5, str(done)
    assert all("account" in line["error"] and line["hint"] for line in done.lines() if "certificate" in line)
    assert ca.request_count() - before < 10
    assert p.run("account", "show", "--json").ok().json()["url"] == url
