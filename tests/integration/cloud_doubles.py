"""
Doubles of Google Cloud DNS and Azure DNS, in front of a real Knot (see provider_doubles.py), each with the endpoints that give access tokens: OAuth 2.0 for
credentials in a file, and the metadata server of a virtual machine.
"""
import base64
import functools
import json
import re
import time
import urllib.parse
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


@functools.cache
def rsa_key(number):
    """One of some keys: making them takes a while."""
    assert number >= 0
    return rsa.generate_private_key(65537, 2048)


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
        key = rsa_key(0)
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
        self.public = rsa_key(1).public_key()

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


class Azure(Tokens):
    """Zones and record sets of Resource Manager, API version 2018-05-01: each set has an ETag, metadata, and what makes it an alias."""

    KIND = "azure"
    SECRET = "4711Q~canary.client-secret_4711"
    BAD_KEY = "invalid_client: AADSTS7000215: Invalid client secret provided."
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = False
    TOKENS = re.compile(r"/oauth2/")
    TENANT, CLIENT, SUBSCRIPTION, GROUP = "contoso.test", "1111-client", "2222-subscription", "dns (prod)"
    RECORDS = {"TXT": "TXTRecords", "CNAME": "CNAMERecord", "CAA": "caaRecords"}

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        self.etags, self.more = {}, {}  # (zone, name, kind) -> ETag, further properties
        self.private = []
        self.may_list = True

    def entry(self, folder):
        file = harness.write(f"{folder}/azure.secret", self.SECRET + "\n", 0o600)
        return {"name": "azure", "type": "azure", "url": self.base, "tenant": self.TENANT, "client_id": self.CLIENT, "client_secret_file": file,
                "subscription": self.SUBSCRIPTION, "resource_group": self.GROUP}

    # --- tokens ---

    def parse(self, raw, headers):
        if headers["Content-Type"] == "application/x-www-form-urlencoded":
            return self.form(raw)
        return super().parse(raw, headers)

    def grant(self, body):
        assert set(body) == {"grant_type", "client_id", "client_secret", "scope"} and body["grant_type"] == "client_credentials"
        assert body["client_id"] == self.CLIENT and body["scope"] == "https://management.azure.com/.default"
        if body["client_secret"] != self.token:
            raise Refused(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the "
                                f"request is the client secret value, not the client secret ID, for a secret added to app '{self.CLIENT}'.\r\nTrace ID: 1", "error_codes": [7000215]})
        return 200, {"token_type": "Bearer", "expires_in": self.life - 1, "ext_expires_in": self.life - 1, "access_token": self.new_token()}

    def metadata(self, query, headers):
        assert headers.get("Metadata") == "true" and query.pop("api-version") == "2018-02-01" and query.pop("resource") == "https://management.azure.com/"
        if query.get("client_id", self.CLIENT) != self.CLIENT:
            raise Refused(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return 200, {"access_token": self.new_token(), "client_id": self.CLIENT, "expires_in": str(self.life), "expires_on": "1", "token_type": "Bearer"}

    # --- the interface ---

    @staticmethod
    def error(status, code, message, wrapped=True, **headers):
        error = {"code": code, "message": message}
        return Refused(status, {"error": error} if wrapped else error, headers)

    def over(self):
        return 429, {"error": {"code": "TooManyRequests", "message": "The request is being throttled."}}, {"Retry-After": "1"}

    def handle(self, method, path, query, body, headers):
        if path == f"/{self.TENANT}/oauth2/v2.0/token":
            assert method == "POST"
            return self.grant(body)
        if path == "/metadata/identity/oauth2/token":
            return self.metadata(query, headers)
        if not self.has_token(headers):
            raise self.error(401, "InvalidAuthenticationToken", "The access token is invalid.")
        parts = [urllib.parse.unquote(p) for p in path.strip("/").split("/")]
        assert query.pop("api-version") == "2018-05-01"
        assert parts[0] == "subscriptions" and parts[2] == "resourceGroups" and parts[4:7] == ["providers", "Microsoft.Network", "dnsZones"]
        if parts[1] != self.SUBSCRIPTION:
            raise self.error(404, "SubscriptionNotFound", f"The subscription '{parts[1]}' could not be found.")
        if parts[3] != self.GROUP:
            raise self.error(404, "ResourceGroupNotFound", f"Resource group '{parts[3]}' could not be found.")
        if len(parts) == 7:
            assert method == "GET" and set(query) <= {"$top", "$skipToken"}
            if not self.may_list:
                raise self.error(403, "AuthorizationFailed", f"The client '{self.CLIENT}' does not have authorization to perform action "
                                 "'Microsoft.Network/dnsZones/read' over scope '/subscriptions/…' or the scope is invalid.")
            return self.listed(path, query)
        assert not query
        zone = parts[7]
        if len(parts) == 8:
            if zone not in self.zones:
                raise self.error(404, "ResourceNotFound", f"The Resource 'Microsoft.Network/dnszones/{zone}' under resource group '{self.GROUP}' was not found.")
            return 200, self.zone(zone)
        if zone not in self.zones:
            raise self.error(404, "ParentResourceNotFound", f"Failed to perform 'write' on resource(s) of type 'dnszones/{parts[8]}', because the parent resource could "
                             "not be found.")
        assert parts[8] in self.RECORDS and len(parts) == 10
        return getattr(self, "do_" + method.lower())(zone, parts[9], parts[8], body, headers)

    def zone(self, zone, kind="Public"):
        return {"id": f"/subscriptions/{self.SUBSCRIPTION}/…/dnszones/{zone}", "name": zone, "type": "Microsoft.Network/dnszones", "etag": "1", "location": "global",
                "properties": {"maxNumberOfRecordSets": 10000, "zoneType": kind}}

    def listed(self, path, query):
        at, size = int(query.get("$skipToken", 0)), min(100, self.page)
        found = [self.zone(z, "Private") for z in self.private] + [self.zone(z) for z in self.zones]
        more = {"nextLink": f"{self.base}{path}?api-version=2018-05-01&$skipToken={at + size}"} if at + size < len(found) else {}
        return 200, {"value": found[at:at + size], **more}

    def show(self, zone, name, kind):
        ttl, values = self.zones[zone][name, kind]
        records = [self.record(kind, v) for v, _ in values]
        return {"id": "/subscriptions/…", "name": name, "type": f"Microsoft.Network/dnszones/{kind}", "etag": self.etags[zone, name, kind],
                "properties": {"fqdn": f"{name}.{zone}.", "TTL": ttl, "targetResource": {}, "provisioningState": "Succeeded",
                               self.RECORDS[kind]: records[0] if kind == "CNAME" else records, **self.more.get((zone, name, kind), {})}}

    @staticmethod
    def record(kind, value):
        if kind == "TXT":
            return {"value": strings(value)}
        if kind == "CNAME":
            return {"cname": value}
        flags, tag, text = value.split(" ", 2)
        return {"flags": int(flags), "tag": tag, "value": strings(text)[0]}

    def value(self, kind, record):
        """A record in master-file form, after a look at it."""
        if kind == "CNAME":
            assert set(record) == {"cname"} and not record["cname"].endswith(".")
            return record["cname"]
        if kind == "CAA":
            assert set(record) == {"flags", "tag", "value"}
            return f'{record["flags"]} {record["tag"]} ' + self.quoted(record["value"])
        assert set(record) == {"value"} and record["value"]
        if any(len(s) > 255 for s in record["value"]) or sum(map(len, record["value"])) > 4096:
            raise self.error(400, "BadRequest", "The value of the TXT record is too long.", wrapped=False)
        return " ".join(map(self.quoted, record["value"]))

    @staticmethod
    def quoted(text):
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'

    @staticmethod
    def served(kind, value):
        return "".join(f"\\{b:03}" if b > 126 else chr(b) for b in value.encode())

    def push(self, zone, name, kind):
        self.etags[zone, name, kind] = str(uuid.uuid4())
        super().push(zone, name, kind)

    def do_get(self, zone, name, kind, body, headers):
        if (name, kind) not in self.zones[zone]:
            raise self.error(404, "NotFound", f"The resource record '{name}' does not exist in resource group '{self.GROUP}' of subscription '{self.SUBSCRIPTION}'.",
                             wrapped=False)
        return 200, self.show(zone, name, kind)

    def condition(self, zone, name, kind, headers):
        """Whether the set is there; refused when the condition does not hold. One is always given."""
        there = (name, kind) in self.zones[zone]
        current = self.etags[zone, name, kind] if there else ""
        match, none = headers.get("If-Match"), headers.get("If-None-Match")
        assert (match is None) != (none is None) and none in (None, "*")
        if there if none else match != current:
            raise self.error(412, "PreconditionFailed", f"The condition '{match or none}' in the {'If-Match' if match else 'If-None-Match'} header was not satisfied. The "
                             f"current was '{current}'.", wrapped=False)
        return there

    def do_put(self, zone, name, kind, body, headers):
        assert set(body) == {"properties"} and set(body["properties"]) <= {"TTL", "metadata", self.RECORDS[kind]}
        there = self.condition(zone, name, kind, headers)
        if self.conflict(zone, name, kind):
            what = "a CNAME record with the same name" if kind != "CNAME" else "another record with the same name"
            raise self.error(409, "Conflict", f"The {kind} record could not be created because {what} already exists in this zone.", wrapped=False)
        records = body["properties"][self.RECORDS[kind]]
        values = [self.value(kind, r) for r in ([records] if kind == "CNAME" else records)]
        if len(set(values)) < len(values):
            raise self.error(400, "BadRequest", f"The list of record sets of type '{kind}' may not contain multiple entries with the same 'value'.", wrapped=False)
        if len(values) > 20 or not 1 <= body["properties"]["TTL"] <= 2147483647:
            raise self.error(400, "BadRequest", "The record set is not valid.", wrapped=False)
        self.zones[zone][name, kind] = [body["properties"]["TTL"], [(v, None) for v in values]]
        self.more[zone, name, kind] = {"metadata": body["properties"]["metadata"]} if body["properties"].get("metadata") else {}
        self.push(zone, name, kind)
        return (200 if there else 201), self.show(zone, name, kind)

    def do_delete(self, zone, name, kind, body, headers):
        assert body is None
        if not self.condition(zone, name, kind, headers):
            return 204, None
        del self.zones[zone][name, kind]
        self.push(zone, name, kind)
        return 200, None
