"""
An ACME client that can do everything wrong on purpose: requests are made field by field with `cryptography` and sent as they are.
"""
import base64
import hashlib
import hmac
import http.client
import json
import ssl
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID


def b64(data):
    """base64url without padding."""
    if isinstance(data, (dict, list)):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    """A P-256 key: .jwk, .thumbprint, sign()."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        n = self.private.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(n.x.to_bytes(32, "big")), "y": b64(n.y.to_bytes(32, "big"))}
        canonical = json.dumps(self.jwk, separators=(",", ":"), sort_keys=True)
        self.thumbprint = b64(hashlib.sha256(canonical.encode()).digest())

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def jws(self, header, payload):
        """The flattened JWS; payload is bytes or text."""
        head = b64({"alg": "ES256", **header})
        body = b64(payload)
        return {"protected": head, "payload": body, "signature": b64(self.sign(f"{head}.{body}".encode()))}


def csr(key, names, common_name=None):
    """A request for the names in DER."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(key.private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Reply:
    """status, headers, body (bytes), json() and .problem (last part of the error type, None when it is none)."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        if self.headers.get("Content-Type") != "application/problem+json":
            return None
        return self.json()["type"].rpartition(":")[2]

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """One connection to the CA and one account key."""

    def __init__(self, ca):
        url = urllib.parse.urlsplit(ca.dir_url)
        self.host = f"{url.scheme}://{url.netloc}"
        self.context = ssl.create_default_context(cafile=ca.ca_bundle)
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=self.context)
        self.directory = self.get(ca.dir_url).json()
        self.key = Key()
        self.kid = None
        self.nonces = []

    def close(self):
        self.connection.close()

    def send(self, method, url, body=None, headers=None):
        """One request as it is; nonces of replies are kept."""
        self.connection.request(method, url.removeprefix(self.host), body, {"User-Agent": "perdure-test", **(headers or {})})
        reply = Reply(self.connection.getresponse())
        if reply.headers.get("Replay-Nonce"):
            self.nonces.append(reply.headers["Replay-Nonce"])
        return reply

    def get(self, url):
        return self.send("GET", url)

    def nonce(self):
        if not self.nonces:
            self.send("HEAD", self.directory["newNonce"])
        return self.nonces.pop()

    def post(self, url, payload=None, key=None, header=None, jws=None, content_type="application/jose+json"):
        """A signed POST; payload None is POST-as-GET. header changes members of the protected header (None removes one)."""
        key = key or self.key
        head = {"nonce": self.nonce(), "url": url, **({"kid": self.kid} if self.kid else {"jwk": key.jwk}), **(header or {})}
        head = {k: v for k, v in head.items() if v is not None}
        message = jws or key.jws(head, b"" if payload is None else json.dumps(payload))
        return self.send("POST", url, json.dumps(message), {"Content-Type": content_type})

    def register(self, **payload):
        """newAccount; keeps the account's URL."""
        reply = self.post(self.directory["newAccount"], {"termsOfServiceAgreed": True, **payload}, header={"kid": None, "jwk": self.key.jwk})
        if reply.status in (200, 201):
            self.kid = reply.headers["Location"]
        return reply

    def eab(self, kid, secret_b64, alg="HS256", jwk=None, url=None):
        """The externalAccountBinding object."""
        digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[alg]
        head = b64({"alg": alg, "kid": kid, "url": url or self.directory["newAccount"]})
        body = b64(jwk or self.key.jwk)
        mac = hmac.new(unb64(secret_b64), f"{head}.{body}".encode(), digest).digest()
        return {"protected": head, "payload": body, "signature": b64(mac)}

    def key_change(self, new):
        """keyChange to the new key, which is used from then on when it is accepted."""
        url = self.directory["keyChange"]
        inner = new.jws({"jwk": new.jwk, "url": url}, json.dumps({"account": self.kid, "oldKey": self.key.jwk}))
        reply = self.post(url, inner)
        if reply.status == 200:
            self.key = new
        return reply

    def order(self, names, **more):
        return self.post(self.directory["newOrder"], {"identifiers": [{"type": "dns", "value": n} for n in names], **more})

    def challenge(self, authz_url, kind="dns-persist-01"):
        """The challenge object of that type."""
        found = [c for c in self.post(authz_url).json()["challenges"] if c["type"] == kind]
        return found[0] if found else None

    def validate(self, order, kind="dns-persist-01"):
        """POSTs the challenge of each authorization; returns the authorizations once they are decided."""
        out = []
        for url in order["authorizations"]:
            challenge = self.challenge(url, kind)
            if challenge["status"] == "pending":
                self.post(challenge["url"], {})
            for _ in range(500):
                authz = self.post(url).json()
                if authz["status"] != "pending":
                    break
            out.append(authz)
        return out

    def issue(self, names, key=None, **more):
        """The whole way: (order object, PEM chain as text)."""
        reply = self.order(names, **more)
        assert reply.status == 201, reply
        url, order = reply.headers["Location"], reply.json()
        for authz in self.validate(order):
            assert authz["status"] == "valid", authz
        reply = self.post(order["finalize"], {"csr": b64(csr(key or Key(), names))})
        assert reply.status == 200, reply
        while reply.json()["status"] == "processing":
            reply = self.post(url)
        order = reply.json()
        assert order["status"] == "valid", order
        return order, self.post(order["certificate"]).body.decode()
