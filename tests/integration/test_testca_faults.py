"""Each fault of perdure-testca does what its page says, seen by a client that looks at the wire."""
import http.client
import json
import os
import re
import subprocess
import time

import pytest

import harness
from rawacme import Client, Key, b64, csr

PAGE = os.path.join(harness.ROOT, "docs/testca.md")


@pytest.fixture
def ca(make_testca):
    ca = make_testca(None)
    yield ca
    ca.stop()


@pytest.fixture
def c(ca):
    c = Client(ca)
    c.register()
    yield c
    c.close()


def all_faults():
    out = subprocess.run([harness.testca_path(), "--list-faults"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^  ([a-z-]+) ", out, re.M)


def test_the_page_knows_every_fault_and_option():
    page = harness.read(PAGE)
    listed = re.findall(r"^\| `([a-z-]+)` \|", page, re.M)
    assert [f for f in listed if f in all_faults()] == all_faults()
    options = re.findall(r"^  --([a-z0-9-]+)", subprocess.run([harness.testca_path(), "--help"], capture_output=True, text=True, check=True).stdout, re.M)
    assert [o for o in options if f"`--{o}" not in page] == []
    man = harness.read(os.path.join(harness.ROOT, "man/perdure-testca.1"))
    assert [o for o in options if f".It Fl Fl {o}" not in man] == []


def dropped(call):
    """Whether the connection was cut."""
    try:
        call()
    except (http.client.HTTPException, ConnectionError, OSError):
        return True
    return False


def ready_order(c, names=("a.test",)):
    reply = c.order(list(names))
    c.validate(reply.json())
    return reply.headers["Location"], reply.json()


def test_count_skip_and_percent(ca, c):
    rule = ca.fault("status", endpoint="newOrder", count=2, skip=1, status=500)
    assert [c.order(["a.test"]).status for _ in range(5)] == [201, 500, 500, 201, 201]
    assert ca.hits(rule) == 2
    ca.clear()
    rule = ca.fault("status", endpoint=["newOrder", "account"], percent=50)
    got = [c.order(["a.test"]).status for _ in range(100)]
    assert 20 < got.count(503) < 80 and ca.hits(rule) == got.count(503)
    ca.clear(rule)
    assert c.order(["a.test"]).status == 201
    assert ca.counters()["faults"] == 2 + got.count(503)


def test_the_same_seed_gives_the_same_dice(make_testca):
    runs = []
    for _ in range(2):
        ca = make_testca(None, seed=7, faults=[{"fault": "status", "endpoint": "directory", "skip": 1, "percent": 50}])
        c = Client(ca)
        runs.append([c.get(ca.dir_url).status for _ in range(30)])
        c.close()
    assert runs[0] == runs[1] and set(runs[0]) == {200, 503}


def test_faults_from_a_file(make_testca, tmp_path):
    path = harness.write(str(tmp_path / "faults"), '# the first directory\n\n{"fault":"status","endpoint":"newNonce","status":502}\n')
    run = subprocess.run([harness.testca_path(), "--always-valid", "--faults", path + "x"], capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 1 and "faults" in run.stderr
    with subprocess.Popen([harness.testca_path(), "--always-valid", "--dir", str(tmp_path / "d"), "--faults", path], stdout=subprocess.PIPE, text=True) as p:
        ready = json.loads(p.stdout.readline())
        assert subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--cacert", ready["ca_bundle"],
                               ready["directory"].replace("directory", "acme/new-nonce")], capture_output=True, text=True, check=True).stdout == "502"
        p.terminate()


# --- in place of the request's effect ---


def test_badnonce(ca, c):
    ca.fault("badnonce", count=1)
    reply = c.order(["a.test"])
    assert reply.problem == "badNonce" and reply.headers["Replay-Nonce"]
    assert c.order(["a.test"]).status == 201


@pytest.mark.parametrize("retry_after", ["5", "-1", "99999999999", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", ""])
def test_status_with_any_retry_after(ca, c, retry_after):
    ca.fault("status", endpoint="newOrder", status=429, retry_after=retry_after)
    reply = c.order(["a.test"])
    assert reply.status == 429 and reply.headers["Retry-After"] == retry_after
    assert reply.headers["Content-Type"] == "text/html" and reply.body.startswith(b"<html>")
    assert ca.counters()["orders"] == 0


def test_problems(ca, c):
    names = ["a.test", "b.test"]
    ca.fault("rate-limited", retry_after="7", count=1)
    reply = c.order(names)
    assert (reply.status, reply.problem, reply.headers["Retry-After"]) == (429, "rateLimited", "7") and "subproblems" not in reply.json()
    ca.fault("rate-limited", n=9, count=1)
    assert [s["identifier"]["value"] for s in c.order(names).json()["subproblems"]] == names
    ca.fault("terms-changed", count=1)
    reply = c.order(names)
    assert reply.problem == "userActionRequired" and reply.json()["instance"].endswith("/terms-2") and "terms-2" in reply.headers["Link"]
    ca.fault("terms-changed", instance="https://x.test/t", count=1)
    assert c.order(names).json()["instance"] == "https://x.test/t"
    ca.fault("account-gone", count=1)
    assert c.order(names).problem == "accountDoesNotExist"
    ca.fault("eab-missing", count=1)
    assert c.register().problem == "externalAccountRequired"
    ca.fault("problem", endpoint="account", type="urn:x:y", detail="\x1b[31mred\x07", status=418, count=1)
    reply = c.post(c.kid)
    assert reply.status == 418 and reply.json()["type"] == "urn:x:y" and reply.json()["detail"] == "\x1b[31mred\x07"
    ca.fault("replaces-refused")
    assert c.order(names).status == 201
    assert c.order(names, replaces="a.b").status == 409


def test_cut_before_has_no_effect_and_cut_after_has(ca, c):
    ca.fault("cut-before", endpoint="newOrder", count=1)
    assert dropped(lambda: c.order(["a.test"])) and ca.counters()["orders"] == 0
    c.connection.close()
    ca.fault("cut-after", endpoint="newOrder", count=1)
    assert dropped(lambda: c.order(["a.test"])) and ca.counters()["orders"] == 1
    c.connection.close()
    url, order = ready_order(c)
    ca.fault("cut-after", endpoint="finalize", count=1)
    assert dropped(lambda: c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test"]))}))
    c.connection.close()
    assert c.post(url).json()["status"] == "valid"
    new = Key()
    ca.fault("cut-after", endpoint="keyChange", count=1)
    assert dropped(lambda: c.key_change(new))
    c.connection.close()
    assert c.post(c.kid, key=new).status == 200
    assert ca.counters()["by_status"]["cut"] == 4


def test_hang(ca, c):
    ca.fault("hang", endpoint="newOrder", count=1)
    c.connection.sock.settimeout(0.3)
    assert dropped(lambda: c.order(["a.test"])) and ca.counters()["orders"] == 0
    c.connection.close()
    ca.fault("hang", endpoint="newOrder", count=1, ms=50)
    assert dropped(lambda: c.order(["a.test"]))
    c.connection.close()
    assert c.order(["a.test"]).status == 201


# --- done to the reply ---


def test_replies_that_are_changed(ca, c):
    ca.fault("status-after", endpoint="newOrder", status=502, value="gone", type="text/plain", count=1)
    reply = c.order(["a.test"])
    assert (reply.status, reply.body) == (502, b"gone") and ca.counters()["orders"] == 1
    for fault, more, test in [
        ("empty-body", {}, lambda r: r.body == b""),
        ("body", {"value": '{"a":1,"a":2}'}, lambda r: r.body == b'{"a":1,"a":2}'),
        ("malformed-json", {}, lambda r: pytest.raises(ValueError, r.json)),
        ("huge", {"n": 3000000}, lambda r: len(r.body) > 3000000 and r.json()["status"]),
        ("deep", {"n": 500}, lambda r: r.body == b"[" * 500 + b"]" * 500),
        ("content-type", {}, lambda r: r.headers["Content-Type"] == "text/html"),
        ("content-type", {"value": "application/x"}, lambda r: r.headers["Content-Type"] == "application/x"),
        ("set-member", {"member": "status", "value": "5"}, lambda r: r.json()["status"] == 5),
        ("set-member", {"member": "contact", "value": '{"x":[1,"a,}"]}'}, lambda r: r.json()["contact"] == {"x": [1, "a,}"]}),
        ("drop-member", {"member": "status"}, lambda r: "status" not in r.json() and "orders" in r.json()),
        ("drop-member", {"member": "orders"}, lambda r: "orders" not in r.json() and "status" in r.json()),
        ("drop-header", {"member": "Replay-Nonce"}, lambda r: "Replay-Nonce" not in r.headers and "Link" in r.headers),
        ("http-urls", {}, lambda r: r.json()["orders"].startswith("http://localhost")),
        ("foreign-urls", {}, lambda r: r.json()["orders"].startswith("https://evil.test/")),
        ("truncate", {"n": 10}, lambda r: len(r.body) == 10),
        ("delay", {"ms": 20}, lambda r: r.status == 200),
    ]:
        rule = ca.fault(fault, endpoint="account", count=1, **more)
        assert test(c.post(c.kid)), fault
        assert ca.hits(rule) == 1
        assert c.post(c.kid).json()["status"] == "valid"
    ca.fault("foreign-urls", endpoint="newOrder", value="https://other.test", count=1)
    reply = c.order(["a.test"])
    assert reply.headers["Location"].startswith("https://other.test/acme/order/") and reply.json()["finalize"].startswith("https://other.test/")


def test_replies_cut_slow_and_endless(ca, c):
    ca.fault("truncate", endpoint="account", count=1)
    assert dropped(lambda: c.post(c.kid))
    c.connection.close()
    ca.fault("drip", endpoint="account", count=1, ms=1)
    assert c.post(c.kid).json()["status"] == "valid"
    ca.fault("endless", endpoint="account", count=1)
    nonce = c.nonce()
    body = json.dumps(c.key.jws({"kid": c.kid, "url": c.kid, "nonce": nonce}, b""))
    c.connection.request("POST", c.kid.removeprefix(c.host), body, {"Content-Type": "application/jose+json"})
    response = c.connection.getresponse()
    assert response.headers["Transfer-Encoding"] == "chunked" and len(response.read(5 << 20)) == 5 << 20
    c.connection.close()
    harness.wait_until("the endless reply to end", 10, lambda: ca.counters()["connections_open"] == 0)


# --- in what the CA does ---


def test_orders_that_are_ahead(ca, c):
    ca.fault("already-valid", count=1)
    assert c.order(["a.test", "b.test"]).json()["status"] == "ready"
    ca.fault("already-valid", n=1, count=1)
    order = c.order(["a.test", "b.test"]).json()
    assert order["status"] == "pending"
    assert sorted(c.post(u).json()["status"] for u in order["authorizations"]) == ["pending", "valid"]
    ca.fault("ready-early", count=1)
    order = c.order(["a.test", "b.test"]).json()
    assert order["status"] == "ready"
    assert c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test", "b.test"]))}).problem == "orderNotReady"
    c.validate(order)
    assert c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test", "b.test"]))}).json()["status"] == "valid"


def test_processing(ca, c):
    url, order = ready_order(c)
    ca.fault("processing", n=2, count=1)
    reply = c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test"]))})
    assert reply.json()["status"] == "processing" and "Retry-After" not in reply.headers
    ca.command("set", retry_after=3)
    assert c.post(url).headers["Retry-After"] == "3"
    assert [c.post(url).json()["status"] for _ in range(2)] == ["processing", "valid"]
    order = c.order(["a.test"]).json()
    ca.fault("processing", endpoint="challenge", ms=3600000, count=1)
    challenge = c.challenge(order["authorizations"][0])
    assert c.post(challenge["url"], {}).json()["status"] == "processing"
    assert c.post(order["authorizations"][0]).json()["status"] == "pending"
    ca.command("clock", forward_ms=3500000)
    assert c.post(order["authorizations"][0]).json()["status"] == "pending"
    ca.command("clock", forward_ms=99999)
    assert c.post(order["authorizations"][0]).json()["status"] == "valid"


def test_orders_that_fail(ca, c):
    url, order = ready_order(c, ["a.test", "b.test"])
    ca.fault("order-invalid", type="caa", detail="no", n=2, count=1)
    reply = c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test", "b.test"]))})
    error = reply.json()["error"]
    assert reply.json()["status"] == "invalid" and error["type"].endswith(":caa") and len(error["subproblems"]) == 2
    assert c.post(url).json()["status"] == "invalid"
    ca.fault("order-expired", count=1)
    assert c.post(c.order(["a.test"]).headers["Location"]).json()["status"] == "invalid"
    ca.fault("authz-expired", count=1)
    assert c.post(c.order(["a.test"]).json()["authorizations"][0]).json()["status"] == "invalid"
    ca.fault("authz-invalid", type="dns", count=1)
    authz = c.validate(c.order(["a.test"]).json())[0]
    assert authz["status"] == "invalid" and authz["challenges"][0]["error"]["type"].endswith(":dns")
    ca.fault("account-deactivated", count=1)
    assert c.order(["a.test"]).problem == "unauthorized"
    assert c.order(["a.test"]).problem == "unauthorized"
    ca.command("account", do="reactivate")
    assert c.order(["a.test"]).status == 201
    ca.command("account", do="forget")
    assert c.order(["a.test"]).problem == "accountDoesNotExist"


def openssl_text(pem, *what):
    return harness.tool("openssl", "x509", "-noout", *what, stdin=pem)


def test_certificates_that_are_wrong(ca, c):
    key = Key()
    good = c.issue(["a.test"], key)[1]
    public = openssl_text(good, "-pubkey")
    ca.fault("other-key", count=1)
    assert openssl_text(c.issue(["a.test"], key)[1], "-pubkey") != public
    ca.fault("other-names", count=1)
    assert "one-name-more.test" in openssl_text(c.issue(["a.test"], key)[1], "-ext", "subjectAltName")
    ca.fault("other-names", value="x.test", count=1)
    text = openssl_text(c.issue(["a.test"], key)[1], "-ext", "subjectAltName")
    assert "x.test" in text and "a.test" not in text
    ca.fault("expired-certificate", count=1)
    pem = c.issue(["a.test"], key)[1]
    assert subprocess.run(["openssl", "x509", "-noout", "-checkend", "0"], input=pem, text=True, capture_output=True, check=False).returncode == 1
    ca.fault("unordered-chain", count=1)
    assert "CA:TRUE" in openssl_text(c.issue(["a.test"], key)[1], "-ext", "basicConstraints")
    ca.fault("leaf-only", count=1)
    assert c.issue(["a.test"], key)[1].count("BEGIN") == 1
    ca.fault("foreign-pem", count=1)
    assert "PRIVATE KEY" in c.issue(["a.test"], key)[1]
    assert good.count("BEGIN") == 2


def test_challenges_that_are_wrong(ca, c):
    def seen(fault, **more):
        ca.fault(fault, count=1, **more)
        return c.post(c.order(["a.test"]).json()["authorizations"][0]).json()["challenges"][0]

    plain = c.challenge(c.order(["a.test"]).json()["authorizations"][0])
    assert plain["issuer-domain-names"] == ["ca.test"] and plain["accounturi"] == c.kid and "token" not in plain
    assert len(seen("too-many-issuers")["issuer-domain-names"]) == 11
    assert seen("no-issuers")["issuer-domain-names"] == []
    assert seen("foreign-accounturi")["accounturi"] == "https://other.test/account/1"
    assert seen("token")["token"] == "../../etc/passwd"
    assert seen("both-spellings")["issuerDomainNames"] == ["ca.test"]


def test_the_log(ca, c):
    ca.fault("status", endpoint="newOrder", count=1)
    c.order(["a.test"])
    last = ca.requests()[-1]
    assert (last["method"], last["endpoint"], last["path"], last["status"], last["fault"]) == ("POST", "newOrder", "/acme/new-order", 503, "status")
    assert abs(last["t"] / 1000 - time.time()) < 60
    assert ca.command("log", n=1)["log"][0]["endpoint"] == "newOrder"
    ca.command("reset")
    assert ca.counters()["requests"] == 0


# --- perdure gets through ---


def test_fifty_percent_bad_nonces(make_testca, make_perdure):
    ca = make_testca(None, faults=[{"fault": "badnonce", "percent": 50}])
    names = harness.zones_named(20)
    p = make_perdure({"cas": [ca.config_entry()], "dns": {"mode": "none"}, "defaults": {"ca": ["testca"]},
                      "certificates": [{"name": n, "names": [n]} for n in names]})
    harness.set_up_account(p)
    assert "20 issued" in p.run("renew").ok().out
    assert len(ca.certificates()) == 20 and ca.counters()["faults"] > 50
