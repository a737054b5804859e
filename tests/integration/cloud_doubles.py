"""
Doubles of Google Cloud DNS and Azure DNS, in front of a real Knot (see provider_doubles.py), each with the endpoints that give access tokens: OAuth 2.0 for
credentials in a file, and the metadata server of a virtual machine.
"""
import base64
import json
import re
import time
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import harness
from provider_doubles import Refused, strings
from rest_doubles import Zones


class Tokens(Zones):
    """Access tokens, each a canary of its own: .tokens has when they end, .given all that ever were. life: seconds that one lives."""

    life = 3600

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        self.tokens, self.given = {}, []

    def token_paths(self):
        return [c for c in self.calls if self.TOKENS.search(c[1])]

    def new_token(self):
        self.given.append(f"{self.KIND}-access-token-{uuid.uuid4().hex}")
        self.tokens[self.given[-1]] = time.monotonic() + self.life
        return self.given[-1]

    def secrets(self):
        return [*super().secrets(), *self.given]

    def has_token(self, headers):
        kind, _, token = headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self.tokens.get(token, 0) > time.monotonic()

    def conflict(self, zone, name, kind):
        """The type of a set at the name that the kind does not go with, or None."""
        return next((k for (n, k), s in self.zones[zone].items() if n == name and k != kind and s[1] and "CNAME" in (k, kind)), None)


def unpad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Google(Tokens):
    """Version 1 of the API: managed zones, rrsets, changes. A change is pending until Knot serves it."""

    KIND = "google"
    PROJECT = "perdure-test"
    BAD_KEY = "invalid_grant: Invalid JWT Signature."
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = False
    POLLS = re.compile(r"/dns/v1/projects/[^/]+/managedZones/[^/]+/changes/\d+$")
    TOKENS = re.compile(r"/token$|/computeMetadata/")
    MAIL = f"publisher@{PROJECT}.iam.gserviceaccount.com"

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        self.key, self.public = pem, key.public_key()
        self.SECRET = pem.splitlines()[12]
        self.private, self.twins = [], {}  # zones without records here: private ones, and more of a name by their managed names
        self.may_list = True
        self.changes = {}
        self.over_as = 429

    def managed(self, zone):
        """The name of a managed zone."""
        return zone.replace(".", "-")

    def credentials(self, **more):
        return {"type": "service_account", "project_id": self.PROJECT, "private_key_id": "4711abcd", "private_key": self.key, "client_email": self.MAIL,
                "client_id": "1", "token_uri": self.base + "/token", **more}

    def entry(self, folder):
        file = harness.write(f"{folder}/google.json", json.dumps(self.credentials()), 0o600)
        return {"name": "google", "type": "google", "url": self.base, "credentials_file": file}

    def break_key(self):
        self.public = rsa.generate_private_key(65537, 2048).public_key()

    # --- tokens ---

    def parse(self, raw, headers):
        if headers["Content-Type"] == "application/x-www-form-urlencoded":
            return self.form(raw)
        return super().parse(raw, headers)

    def metadata(self, path, headers):
        if headers.get("Metadata-Flavor") != "Google":
            raise Refused(403, "<html>Missing Metadata-Flavor:Google header.</html>", {"Content-Type": "text/html"})
        if path.endswith("/project/project-id"):
            return 200, self.PROJECT, {"Content-Type": "application/text", "Metadata-Flavor": "Google"}
        assert path == "/computeMetadata/v1/instance/service-accounts/default/token"
        return 200, {"access_token": self.new_token(), "expires_in": self.life, "token_type": "Bearer"}

    def grant(self, body):
        assert set(body) == {"grant_type", "assertion"} and body["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        header, claims, signature = body["assertion"].split(".")
        assert json.loads(unpad(header)) == {"alg": "RS256", "typ": "JWT", "kid": "4711abcd"}
        try:
            self.public.verify(unpad(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}) from None
        c = json.loads(unpad(claims))
        assert set(c) == {"iss", "scope", "aud", "iat", "exp"} and c["iss"] == self.MAIL and c["aud"] == self.base + "/token"
        assert c["scope"] == "https://www.googleapis.com/auth/ndev.clouddns.readwrite" and c["exp"] - c["iat"] == 3600
        if abs(c["iat"] - time.time()) > 300:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
                                "timeframe. Check your iat and exp values in the JWT claim."})
        return 200, {"access_token": self.new_token(), "expires_in": self.life - 1, "token_type": "Bearer"}

    # --- the interface ---

    @staticmethod
    def error(status, reason, message, domain="global"):
        return Refused(status, {"error": {"code": status, "message": message, "errors": [{"message": message, "domain": domain, "reason": reason}]}})

    def over(self):
        self.over_as = 832 - self.over_as  # 429 and 403 in turn
        if self.over_as == 403:
            body = self.error(403, "rateLimitExceeded", "Rate Limit Exceeded", "usageLimits").body
        else:
            body = self.error(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota).").body
            body["error"]["status"] = "RESOURCE_EXHAUSTED"
        return self.over_as, body, {"Content-Type": "application/json; charset=UTF-8"}

    def handle(self, method, path, query, body, headers):
        if path.startswith("/computeMetadata/"):
            return self.metadata(path, headers)
        if path == "/token":
            assert method == "POST"
            return self.grant(body)
        if not self.has_token(headers):
            refused = self.error(401, "authError", "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
                                 "authentication credential.")
            refused.body["error"]["status"] = "UNAUTHENTICATED"
            raise refused
        parts = path.strip("/").split("/")
        assert parts[:3] == ["dns", "v1", "projects"] and parts[4] == "managedZones", path
        if parts[3] != self.PROJECT:
            raise self.error(403, "forbidden", f"Permission denied on resource project {parts[3]}.")
        if method == "GET" and len(parts) == 5:
            assert set(query) <= {"dnsName", "maxResults", "pageToken"}
            if not self.may_list:
                raise self.error(403, "forbidden", "Forbidden")
            found = [self.zone(z, private=True) for z in self.private] + [self.zone(z) for z in self.zones] + [self.zone(z, m) for m, z in self.twins.items()]
            return self.paged("managedZones", [z for z in found if query.get("dnsName") in (None, z["dnsName"])], query)
        zone = next((z for z in self.zones if self.managed(z) == parts[5]), None)
        if not zone:
            raise self.error(404, "notFound", f"The 'parameters.managedZone' resource named '{parts[5]}' does not exist.")
        if method == "GET" and len(parts) == 6:
            return 200, self.zone(zone)
        if method == "GET" and parts[6:] == ["rrsets"]:
            assert set(query) <= {"name", "type", "maxResults", "pageToken"} and ("type" not in query or "name" in query)
            return self.paged("rrsets", self.sets(zone, query.get("name")), query)
        if method == "POST" and parts[6:] == ["changes"]:
            return self.change(zone, body)
        assert method == "GET" and len(parts) == 8 and parts[6] == "changes"
        return 200, self.progress(parts[7])

    def zone(self, zone, name=None, private=False):
        return {"kind": "dns#managedZone", "name": name or "private-" * private + self.managed(zone), "dnsName": zone + ".", "description": "", "id": "4711",
                "nameServers": ["ns-cloud-a1.googledomains.com."], "visibility": "private" if private else "public", "creationTime": "2026-01-01T00:00:00.000Z"}

    def paged(self, what, items, query):
        at, size = int(query.get("pageToken") or 0), min(int(query.get("maxResults", 100)), self.page)
        more = {"nextPageToken": str(at + size)} if at + size < len(items) else {}
        return 200, {"kind": f"dns#{what}ListResponse", what: items[at:at + size], **more}

    def full(self, zone, relative):
        return (zone if relative == "@" else f"{relative}.{zone}") + "."

    def sets(self, zone, name):
        return [{"kind": "dns#resourceRecordSet", "name": self.full(zone, n), "type": k, "ttl": s[0], "rrdatas": [v for v, _ in s[1]], "signatureRrdatas": []}
                for (n, k), s in self.zones[zone].items() if s[1] and name in (None, self.full(zone, n))]

    def progress(self, number):
        status = "done" if time.monotonic() >= self.changes[number] else "pending"
        return {"kind": "dns#change", "id": number, "startTime": "2026-01-01T00:00:00.000Z", "status": status}

    def change(self, zone, body):
        assert set(body) <= {"deletions", "additions"}
        old = self.zones[zone]
        try:
            if not body:
                raise self.error(400, "required", "The 'entity.change' parameter is required but was missing.")
            self.zones[zone] = dict(old)
            for s in body.get("deletions", []):
                self.delete(zone, s)
            for s in body.get("additions", []):
                self.add(zone, s)
        except Refused:
            self.zones[zone] = old
            raise
        for key in {*old, *self.zones[zone]}:
            if old.get(key) != self.zones[zone].get(key):
                self.push(zone, *key)
        number = str(len(self.changes) + 1)
        self.changes[number] = time.monotonic() + self.lag
        return 200, {**body, **self.progress(number), "status": "pending"}

    @staticmethod
    def check(s):
        assert set(s) == {"name", "type", "ttl", "rrdatas"} and s["name"].endswith(".") and s["rrdatas"] and s["type"] in ("TXT", "CNAME", "CAA")

    def delete(self, zone, s):
        self.check(s)
        key, at = (self.split(s["name"][:-1])[1], s["type"]), f"entity.change.deletions[{s['name']}][{s['type']}]"
        if key not in self.zones[zone]:
            raise self.error(404, "notFound", f"The '{at}' resource named '{s['name']} ({s['type']})' does not exist.")
        ttl, values = self.zones[zone].pop(key)
        if [ttl, sorted(v for v, _ in values)] != [s["ttl"], sorted(s["rrdatas"])]:
            raise self.error(412, "conditionNotMet", f"Precondition not met for '{at}'")

    def add(self, zone, s):
        self.check(s)
        key, at = (self.split(s["name"][:-1])[1], s["type"]), f"entity.change.additions[{s['name']}][{s['type']}]"
        if not s["name"].endswith(zone + "."):
            raise self.error(400, "invalidZoneApex", f"The resource record set '{at}' is not in the zone.")
        if key in self.zones[zone]:
            raise self.error(409, "alreadyExists", f"The resource '{at}' named '{s['name']} ({s['type']})' already exists")
        other = self.conflict(zone, *key)
        if other:
            raise self.error(400, "cnameResourceRecordSetConflict", f"The resource record set '{at}' is invalid because the DNS name '{s['name']}' has a resource "
                             f"record set of the type '{other}'. A DNS name may have either one CNAME resource record set or resource record sets of other types, but not both.")
        for i, value in enumerate(s["rrdatas"]):
            parts = strings(value) if s["type"] == "TXT" else []
            if parts is None or any(len(p) > 255 for p in parts) or s["rrdatas"].count(value) > 1 or (s["type"] == "CNAME" and not value.endswith(".")):
                raise self.error(400, "invalid", f"Invalid value for '{at}.rrdata[{i}]': '{value}'")
        self.zones[zone][key] = [s["ttl"], [(v, None) for v in s["rrdatas"]]]
