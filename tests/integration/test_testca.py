"""perdure-testca: perdure issues and renews against it at every level, and a client that does everything wrong is refused."""
import base64
import contextlib
import datetime
import hashlib
import json
import re
import socket
import subprocess

import pytest
from cryptography import x509

import harness
from rawacme import Client, Key, b64, csr

LEVELS = ["00", "01", "02"]


@pytest.fixture
def client(make_testca):
    made = []

    def make(ca=None, **options):
        c = Client(ca or make_testca(None, **options))
        made.append(c)
        return c

    yield make
    for c in made:
        c.close()


def digest(domain, thumbprint, account_url):
    """The level 02 digest, by nobody's library: one octet of length, domain, thumbprint, account URL."""
    octets = bytes([len(domain)]) + domain.encode() + thumbprint.encode() + account_url.encode()
    return base64.urlsafe_b64encode(hashlib.sha256(octets).digest()).rstrip(b"=").decode()


def hashed_uri(directory, domain, thumbprint, account_url):
    return directory["meta"]["accountHashPrefix"] + "sha-256/" + digest(domain, thumbprint, account_url)


def test_the_digest_of_the_draft():
    """The published vector, so that the oracle itself is right."""
    key = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert digest("example.com", key, "https://ca.example/acct/123") == "5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
    assert digest("*", key, "https://ca.example/acct/123") == "NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"


@pytest.mark.parametrize("level", LEVELS)
def test_perdure_issues_and_renews(make_testca, make_knot, make_perdure, level):
    names = harness.zones_named(3)
    knot = make_knot(names)
    ca = make_testca(knot, level=level)
    p = make_perdure(harness.p_config(ca, knot, names))
    harness.set_up_account(p)
    lines = harness.publish_records(p, knot)
    if level == "02":
        directory = json.loads(subprocess.run(["curl", "-sS", "--cacert", ca.ca_bundle, ca.dir_url], capture_output=True, check=True).stdout)
        account = ca.command("accounts")["accounts"][0]
        for name, line in zip(names, lines):
            assert hashed_uri(directory, name, account["thumbprint"], account["url"]) in line
    writes = knot.update_count()
    assert "3 issued" in p.run("renew").ok().out
    assert "3 renewed" in p.run("renew", "--force-renewal").ok().out
    assert knot.update_count() == writes
    for name in names:
        harness.verify_chain(p, name, ca.roots(), [name, "*." + name])
    assert len(ca.certificates()) == 6
    ca.stop()


@pytest.mark.parametrize("level", LEVELS)
def test_wrong_records_are_refused_with_the_right_type(client, make_testca, make_knot, level):
    zone = "w01.bench.test"
    knot = make_knot([zone])
    ca = make_testca(knot, level=level)
    c = client(ca)
    c.register()
    good = c.kid if level != "02" else hashed_uri(c.directory, zone, c.key.thumbprint, c.kid)
    other = c.kid + "1" if level != "02" else hashed_uri(c.directory, zone, Key().thumbprint, c.kid)
    past = int(datetime.datetime.now().timestamp()) - 60
    cases = [
        ([], zone, "unauthorized"),
        ([f"ca.test;accounturi={good}"], zone, None),
        ([f"ca.test; accounturi={good}; policy=wildcard"], "*." + zone, None),
        ([f"ca.test;accounturi={good}"], "*." + zone, "unauthorized"),
        ([f"other.test;accounturi={good}"], zone, "unauthorized"),
        ([f"ca.test;accounturi={other}"], zone, "unauthorized"),
        ([f"ca.test;accounturi={other}", f"ca.test;accounturi={good}"], zone, None),
        ([f"ca.test;accounturi={good};persistUntil={past}"], zone, "unauthorized"),
        ([f"ca.test;accounturi={good};persistUntil=soon"], zone, "malformed"),
        (["ca.test;policy=wildcard"], zone, "malformed"),
        ([f"ca.test;accounturi={good};"], zone, "malformed"),
    ]
    if level == "02":
        cases += [
            ([f"ca.test;accounturi={c.kid}"], zone, "malformed"),
            ([f"ca.test;accounturi={good[:-1]}"], zone, "malformed"),
            ([f"ca.test;accounturi={hashed_uri(c.directory, '*', c.key.thumbprint, c.kid)}"], zone, None),
            ([f"ca.test;accounturi={hashed_uri(c.directory, 'bench.test', c.key.thumbprint, c.kid)}"], zone, "unauthorized"),
            ([f"ca.test;accounturi={good.replace('sha-256', 'sha-384')}"], zone, "malformed"),
        ]
    for values, name, problem in cases:
        owner = f"_validation-persist.{zone}."
        knot.nsupdate([f"del {owner} TXT"] + [f'{owner} 60 TXT "{v}"' for v in values])
        authz = c.validate(c.order([name]).json())[0]
        if problem is None:
            assert authz["status"] == "valid", (values, authz)
        else:
            assert authz["status"] == "invalid", (values, authz)
            assert authz["challenges"][0]["error"]["type"] == "urn:ietf:params:acme:error:" + problem, (values, authz)
    ca.stop()


@pytest.mark.parametrize("dialect, repeated_unknown_tag, issuer_in_capitals, servfail", [
    ("draft", None, None, "dns"),
    ("boulder", None, None, "dns"),
    ("pebble", "malformed", "unauthorized", "unauthorized"),
])
def test_dialects(client, make_testca, make_knot, dialect, repeated_unknown_tag, issuer_in_capitals, servfail):
    zone = "w01.bench.test"
    knot = make_knot([zone])
    c = client(make_testca(knot, dialect=dialect))
    c.register()

    def problem(name):
        authz = c.validate(c.order([name]).json())[0]
        return None if authz["status"] == "valid" else authz["challenges"][0]["error"]["type"].rpartition(":")[2]

    for value, want in [(f"ca.test;accounturi={c.kid};x=1;x=2", repeated_unknown_tag), (f"CA.TEST;accounturi={c.kid}", issuer_in_capitals)]:
        knot.nsupdate([f"del _validation-persist.{zone}. TXT", f'_validation-persist.{zone}. 60 TXT "{value}"'])
        assert problem(zone) == want, value
    assert problem("elsewhere.test") == servfail  # a zone that Knot refuses to speak of


def test_record_in_several_strings_and_behind_a_cname(client, make_testca, make_knot):
    knot = make_knot(["w01.bench.test", "w02.bench.test"])
    c = client(make_testca(knot))
    c.register()
    knot.nsupdate(["_validation-persist.w01.bench.test. 60 CNAME shared.w02.bench.test.",
                   f'shared.w02.bench.test. 60 TXT "ca.test;acc" "ounturi={c.kid}"'])
    c.issue(["w01.bench.test"])
    # More than a UDP answer can hold: over TCP.
    knot.nsupdate([f'shared.w02.bench.test. 60 TXT "other.test;accounturi=https://other.test/{i:0200d}"' for i in range(30)])
    c.issue(["w01.bench.test"])


def test_persist_until_ends_the_authorization(client, make_testca, make_knot):
    knot = make_knot(["w01.bench.test"])
    c = client(make_testca(knot))
    c.register()
    until = int(datetime.datetime.now().timestamp()) + 600
    knot.nsupdate([f'_validation-persist.w01.bench.test. 60 TXT "ca.test;accounturi={c.kid};persistUntil={until}"'])
    authz = c.validate(c.order(["w01.bench.test"]).json())[0]
    assert datetime.datetime.fromisoformat(authz["expires"].replace("Z", "+00:00")).timestamp() == until


@pytest.mark.parametrize("level", ["01", "02"])
def test_records_outlive_key_rollover(client, make_testca, make_knot, level):
    zone = "w01.bench.test"
    knot = make_knot([zone])
    ca = make_testca(knot, level=level)
    c = client(ca)
    c.register()
    first = c.key
    uri = c.kid if level == "01" else hashed_uri(c.directory, zone, first.thumbprint, c.kid)
    knot.nsupdate([f'_validation-persist.{zone}. 60 TXT "ca.test;accounturi={uri}"'])
    for _ in range(2):
        assert c.key_change(Key()).status == 200
        c.issue([zone])
    assert c.post(c.kid, key=first).problem == "malformed"  # the old key signs nothing any more
    assert len(ca.command("accounts")["accounts"][0]["old_thumbprints"]) == 2
    ca.command("account", do="forget-old-keys")
    if level == "02":
        assert c.validate(c.order([zone]).json())[0]["status"] == "invalid"
        knot.nsupdate([f'_validation-persist.{zone}. 60 TXT "ca.test;accounturi={hashed_uri(c.directory, zone, c.key.thumbprint, c.kid)}"'])
    c.issue([zone])
    # Deactivation ends it all, whatever stands in the DNS.
    assert c.post(c.kid, {"status": "deactivated"}).json()["status"] == "deactivated"
    assert c.order([zone]).problem == "unauthorized"


def test_key_change_to_a_key_in_use_is_refused(client, make_testca):
    ca = make_testca()
    a, b = client(ca), client(ca)
    a.register()
    b.register()
    reply = a.key_change(b.key)
    assert reply.status == 409 and reply.headers["Location"] == b.kid


def test_just_in_time_validation(client, make_testca, make_knot):
    knot = make_knot(["w01.bench.test", "w02.bench.test"])
    c = client(make_testca(knot, jit=True))
    c.register()
    knot.nsupdate([f'_validation-persist.w01.bench.test. 60 TXT "ca.test;accounturi={c.kid}"'])
    assert c.order(["w01.bench.test"]).json()["status"] == "ready"
    order = c.order(["w01.bench.test", "w02.bench.test"]).json()
    assert order["status"] == "pending"
    got = {a["identifier"]["value"]: a["status"] for a in map(lambda u: c.post(u).json(), order["authorizations"])}
    assert got == {"w01.bench.test": "valid", "w02.bench.test": "pending"}


def test_dns01(client, make_testca, make_knot):
    zone = "w01.bench.test"
    knot = make_knot([zone])
    c = client(make_testca(knot))
    c.register()
    order = c.order(["*." + zone]).json()
    token = c.challenge(order["authorizations"][0], "dns-01")["token"]
    value = b64(hashlib.sha256(f"{token}.{c.key.thumbprint}".encode()).digest())
    knot.nsupdate([f'_acme-challenge.{zone}. 60 TXT "{value}"'])
    assert c.validate(order, "dns-01")[0]["status"] == "valid"
    assert c.validate(c.order([zone]).json(), "dns-01")[0]["status"] == "invalid"


@pytest.mark.parametrize("record, wildcard, allowed", [
    ('0 issue "ca.test"', False, True),
    ('0 issue ";"', False, False),
    ('0 issue "other.test"', True, False),
    ('0 issuewild "ca.test"', True, True),
    ('0 issuewild ";"', True, False),
    ('0 issuewild ";"', False, True),
    ('0 issue "ca.test; validationmethods=dns-01"', False, False),
    ('0 issue "ca.test; validationmethods=dns-01,dns-persist-01"', False, True),
    ('0 issue "ca.test; accounturi=https://other.test/1"', False, False),
    ('0 issue "ca.test; accounturi=URL"', False, True),
    ('128 unheardof "x"', False, False),
])
def test_caa(client, make_testca, make_knot, record, wildcard, allowed):
    zone = "w01.bench.test"
    knot = make_knot([zone])
    c = client(make_testca(knot, caa=True))
    c.register()
    knot.nsupdate([f'_validation-persist.a.b.{zone}. 60 TXT "ca.test;accounturi={c.kid};policy=wildcard"',
                   f"{zone}. 60 CAA {record.replace('URL', c.kid)}"])
    authz = c.validate(c.order([("*." if wildcard else "") + "a.b." + zone]).json())[0]
    assert authz["status"] == ("valid" if allowed else "invalid"), authz
    if not allowed:
        assert authz["challenges"][0]["error"]["type"].endswith(":caa")


def test_a_silent_dns_server(client, make_testca, make_knot):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        c = client(harness.TestCA(make_testca(None).stage, f"127.0.0.1:{s.getsockname()[1]}"))
        c.register()
        order = c.order(["w01.bench.test"]).json()
        challenge = c.challenge(order["authorizations"][0])
        c.post(challenge["url"], {})
        harness.wait_until("the look-up to fail", 20, lambda: c.post(order["authorizations"][0]).json()["status"] == "invalid")
        assert c.post(challenge["url"]).json()["error"]["type"].endswith(":dns")


# --- what must be refused ---


def test_requests_that_are_wrong(client):
    c = client()
    c.register()
    url = c.directory["newOrder"]
    body = {"identifiers": [{"type": "dns", "value": "a.test"}]}
    assert c.post(url, body).status == 201
    assert c.post(url, body, key=Key()).problem == "malformed"  # another key's signature
    assert c.post(url, body, content_type="application/json").status == 415
    assert c.post(url, body, header={"url": url + "x"}).problem == "unauthorized"
    assert c.post(url, body, header={"url": None}).problem == "unauthorized"
    assert c.post(url, body, header={"alg": "none"}).json()["algorithms"]
    assert c.post(url, body, header={"alg": "HS256"}).problem == "badSignatureAlgorithm"
    assert c.post(url, body, header={"alg": "RS256"}).problem == "malformed"  # not this key's
    assert c.post(url, body, header={"kid": c.kid + "9"}).problem == "accountDoesNotExist"
    assert c.post(url, body, header={"jwk": c.key.jwk}).problem == "malformed"  # both
    assert c.post(url, body, header={"kid": None, "jwk": c.key.jwk}).problem == "malformed"  # newOrder wants kid
    assert c.post(c.directory["newAccount"], {}).problem == "malformed"  # newAccount wants jwk
    head = {"kid": c.kid, "url": url, "nonce": c.nonce()}
    broken = c.key.jws(head, json.dumps(body))
    assert c.post(url, jws={**broken, "payload": b64({"identifiers": []})}).problem == "malformed"
    assert c.post(url, jws={**broken, "header": {}}).problem == "malformed"
    assert c.post(url, jws={"protected": broken["protected"]}).problem == "malformed"
    assert c.send("POST", url, "{", {"Content-Type": "application/jose+json"}).problem == "malformed"
    assert c.get(url).status == 405
    assert c.get(c.host + "/nothing").status == 404


def test_nonces_are_good_once(client):
    c = client()
    c.register()
    nonce = c.nonce()
    assert c.post(c.kid, header={"nonce": nonce}).status == 200
    again = c.post(c.kid, header={"nonce": nonce})
    assert again.problem == "badNonce" and again.headers["Replay-Nonce"]
    assert c.post(c.kid, header={"nonce": None}).problem == "badNonce"
    assert c.post(c.kid, header={"nonce": "A" * 22}).problem == "badNonce"
    assert c.post(c.kid, header={"nonce": "nonsense"}).problem == "badNonce"
    # The nonce is used up also by a request that fails.
    nonce = c.nonce()
    assert c.post(c.kid, key=Key(), header={"nonce": nonce}).problem == "malformed"
    assert c.post(c.kid, header={"nonce": nonce}).problem == "badNonce"


def test_external_account_binding(client, make_testca):
    ca = make_testca(None, eab=True)
    c = client(ca)
    assert c.directory["meta"]["externalAccountRequired"] is True
    assert c.register().problem == "externalAccountRequired"
    wrong = [
        c.eab("kid-2", ca.eab_key),
        c.eab(ca.eab_kid, b64(b"x" * 32)),
        c.eab(ca.eab_kid, ca.eab_key, jwk=Key().jwk),
        c.eab(ca.eab_kid, ca.eab_key, url=c.directory["newOrder"]),
    ]
    for binding in wrong:
        assert c.register(externalAccountBinding=binding).problem in ("unauthorized", "malformed")
    for alg in ("HS256", "HS384", "HS512"):
        d = client(ca)
        assert d.register(externalAccountBinding=d.eab(ca.eab_kid, ca.eab_key, alg)).status == 201


def test_accounts(client):
    c = client()
    no_tos = c.register(termsOfServiceAgreed=False)
    assert no_tos.problem == "userActionRequired" and "terms-of-service" in no_tos.headers["Link"]
    assert c.register(onlyReturnExisting=True).problem == "accountDoesNotExist"
    assert c.register(contact=["tel:1"]).problem == "unsupportedContact"
    assert c.register(contact=["mailto:a@test"]).status == 201
    url = c.kid
    assert c.register().status == 200 and c.kid == url
    assert c.register(onlyReturnExisting=True).status == 200
    assert c.post(url, {"contact": ["mailto:b@test"]}).json()["contact"] == ["mailto:b@test"]
    other = client_of(c)
    other.register()
    assert c.post(other.kid).problem == "unauthorized"
    order = other.order(["a.test"])
    for theirs in (order.headers["Location"], order.json()["authorizations"][0], order.json()["finalize"]):
        assert c.post(theirs, {} if "finalize" in theirs else None).problem == "unauthorized"
    other.close()


def client_of(c):
    """Another client of the same CA."""
    other = Client.__new__(Client)
    other.__dict__.update(c.__dict__, key=Key(), kid=None, nonces=[])
    other.connection = type(c.connection)(c.connection.host, c.connection.port, timeout=20, context=c.context)
    return other


def test_names_that_cannot_be_ordered(client):
    c = client(blocked="blocked.test")
    c.register()

    def refused(*names):
        return c.order(list(names))

    assert refused().problem == "malformed"
    assert refused("127.0.0.1").problem == "rejectedIdentifier"
    assert refused("UPPER.test").problem == "malformed"
    assert refused("a.test.").problem == "malformed"
    assert refused("*.*.test").problem == "malformed"
    assert refused("a b.test").problem == "malformed"
    assert refused("x.blocked.test").problem == "rejectedIdentifier"
    assert refused(".".join(["a" * 60] * 4)).problem == "rejectedIdentifier"
    two = refused("a.test", "x.blocked.test", "*.*.test")
    assert [s["identifier"]["value"] for s in two.json()["subproblems"]] == ["x.blocked.test", "*.*.test"]
    ip = c.post(c.directory["newOrder"], {"identifiers": [{"type": "ip", "value": "127.0.0.1"}]})
    assert ip.problem == "unsupportedIdentifier"


def test_requests_for_certificates_that_are_wrong(client):
    c = client()
    c.register()
    order = c.order(["a.test", "b.test"]).json()
    ready = {"csr": b64(csr(Key(), ["a.test", "b.test"]))}
    assert c.post(order["finalize"], ready).problem == "orderNotReady"
    c.validate(order)
    assert c.post(order["finalize"], {}).problem == "malformed"
    assert c.post(order["finalize"], {"csr": "AAAA"}).problem == "badCSR"
    assert c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test"]))}).problem == "badCSR"
    assert c.post(order["finalize"], {"csr": b64(csr(Key(), ["a.test", "b.test", "c.test"]))}).problem == "badCSR"
    assert c.post(order["finalize"], {"csr": b64(csr(c.key, ["a.test", "b.test"]))}).problem == "badCSR"
    der = bytearray(csr(Key(), ["a.test", "b.test"]))
    der[-1] ^= 1
    assert c.post(order["finalize"], {"csr": b64(bytes(der))}).problem == "badCSR"
    assert c.post(order["finalize"], ready).json()["status"] == "valid"
    assert c.post(order["finalize"], ready).problem == "orderNotReady"


def test_octets_that_are_no_request(client, make_testca):
    ca = make_testca()
    c = client(ca)
    for octets in (b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"x" * 70000, b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
                   b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", ca.port), 10) as raw, c.context.wrap_socket(raw, server_hostname="localhost") as s:
            try:
                s.sendall(octets)
                assert re.match(rb"HTTP/1.1 4(00|13) ", s.recv(1000)), octets[:50]
            except ConnectionError:
                # Closing before everything was read resets the connection, and the answer may be lost with it.
                assert len(octets) > 65536
    with socket.create_connection(("127.0.0.1", ca.port), 10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS
        with contextlib.suppress(ConnectionError):
            raw.recv(1000)
    # Two requests in one piece are answered one after the other.
    with socket.create_connection(("127.0.0.1", ca.port), 10) as raw, c.context.wrap_socket(raw, server_hostname="localhost") as s:
        s.sendall(b"GET /directory HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := s.recv(65536):
            got += piece
    assert re.findall(rb"HTTP/1.1 (\d+)", got) == [b"200", b"404"]


# --- certificates ---


def certs_of(pem):
    return [x509.load_pem_x509_certificate(p.encode()) for p in re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----", pem, re.S)]


def test_chains_profiles_and_alternates(client, make_testca, tmp_path):
    ca = make_testca(None, profiles="short=600,long=86400", alternates=2)
    c = client(ca)
    c.register()
    assert list(c.directory["meta"]["profiles"]) == ["short", "long"]
    assert c.order(["a.test"], profile="none").problem == "invalidProfile"
    order, pem = c.issue(["a.test", "*.a.test"], profile="long")
    leaf, middle = certs_of(pem)
    assert "DO NOT TRUST" in leaf.issuer.rfc4514_string() and leaf.issuer == middle.subject
    life = leaf.not_valid_after - leaf.not_valid_before
    assert life.total_seconds() == 86399
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert sorted(san.value.get_values_for_type(x509.DNSName)) == ["*.a.test", "a.test"]
    aki = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert aki == middle.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    links = re.findall(r"<([^>]*)>;rel=\"alternate\"", " ".join(c.post(order["certificate"]).headers.get_all("Link")))
    assert len(links) == 2
    roots = ca.roots()
    for i, text in enumerate([pem] + [c.post(u).body.decode() for u in links]):
        chain = harness.write(str(tmp_path / f"chain{i}.pem"), text)
        harness.tool("openssl", "verify", "-CAfile", roots, "-untrusted", chain, chain)
        assert certs_of(text)[0] == leaf
    assert len({certs_of(c.post(u).body.decode())[1].issuer for u in links} | {middle.issuer}) == 3


def ari_id(leaf):
    """RFC 9773 section 4.1."""
    aki = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    serial = leaf.serial_number
    return b64(aki) + "." + b64(serial.to_bytes(serial.bit_length() // 8 + 1, "big"))


def test_renewal_information_and_replaces(client, make_testca):
    ca = make_testca()
    c = client(ca)
    c.register()
    leaf = certs_of(c.issue(["a.test"])[1])[0]
    url = c.directory["renewalInfo"] + "/" + ari_id(leaf)
    window = c.get(url).json()["suggestedWindow"]
    assert window["start"] < window["end"] and c.get(url).headers["Retry-After"] == "21600"
    assert c.get(url + "x").status == 404
    ca.command("set-ari", serial=f"{leaf.serial_number:x}", start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z", retry_after=7)
    assert c.get(url).json()["suggestedWindow"]["end"] == "2026-01-02T00:00:00Z" and c.get(url).headers["Retry-After"] == "7"
    assert c.order(["b.test"], replaces=ari_id(leaf)).problem == "malformed"
    assert c.order(["a.test"], replaces=ari_id(leaf)).json()["replaces"] == ari_id(leaf)
    assert c.order(["a.test"], replaces=ari_id(leaf)).status == 409
    assert ca.certificates()[0]["replaced"] is True


def test_revocation(client, make_testca):
    ca = make_testca()
    c = client(ca)
    c.register()
    key = Key()
    ders = [certs_of(c.issue(["a.test"], key=key)[1])[0].public_bytes(x509.base.serialization.Encoding.DER) for _ in range(2)]
    url = c.directory["revokeCert"]
    other = client_of(c)
    other.register()
    assert other.post(url, {"certificate": b64(ders[0])}).problem == "unauthorized"
    assert c.post(url, {"certificate": b64(ders[0]), "reason": 99}).problem == "badRevocationReason"
    assert c.post(url, {"certificate": b64(ders[0]), "reason": 4}).status == 200
    assert c.post(url, {"certificate": b64(ders[0])}).problem == "alreadyRevoked"
    assert c.post(url, {"certificate": b64(ders[1])}, key=Key(), header={"kid": None, "jwk": Key().jwk}).status in (400, 403)
    assert c.post(url, {"certificate": b64(ders[1])}, key=key, header={"kid": None, "jwk": key.jwk}).status == 200
    assert [x["reason"] for x in ca.certificates()] == [4, 0]
    other.close()


def test_expiry_by_the_clock(client, make_testca):
    ca = make_testca(None, authz_lifetime=100)
    c = client(ca)
    c.register()
    reply = c.order(["a.test"])
    c.validate(reply.json())
    assert c.post(reply.headers["Location"]).json()["status"] == "ready"
    ca.command("clock", forward_ms=200 * 1000)
    assert c.post(reply.json()["authorizations"][0]).json()["status"] == "expired"
    assert c.post(reply.headers["Location"]).json()["status"] == "invalid"


# --- the program ---


def test_it_does_not_serve_others_unasked():
    run = subprocess.run([harness.testca_path(), "--listen", "0.0.0.0:0", "--always-valid"], capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 2 and "--public" in run.stderr


@pytest.mark.parametrize("args", [["--nonsense"], ["--level", "03"], [], ["--dns", "x"], ["--always-valid", "--fault", '{"fault":"x"}'],
                                  ["--always-valid", "--fault", '{"fault":"drip","status":3}'], ["--always-valid", "x"]])
def test_bad_command_lines(args):
    run = subprocess.run([harness.testca_path(), *args], capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 2 and run.stdout == "" and run.stderr


def test_the_control_socket_from_the_command_line(make_testca):
    ca = make_testca()
    run = subprocess.run([harness.testca_path(), "--dir", ca.folder, "--send", '{"cmd":"counters"}'], capture_output=True, text=True, timeout=20,
                         check=False)
    assert run.returncode == 0 and json.loads(run.stdout)["accounts"] == 0
    run = subprocess.run([harness.testca_path(), "--dir", ca.folder, "--send", '{"cmd":"x"}'], capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == 2
    ca.command("stop")
    assert ca.process.wait(10) == 0
