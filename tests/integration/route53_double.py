"""
A double of Amazon Route 53 (API version 2013-04-01) in front of a real Knot: signatures are checked, requests are read strictly, a change is refused when the
RRset is not what it says, and is PENDING until Knot serves it.
"""
import hashlib
import hmac
import re
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import harness
from provider_doubles import Double, Refused, strings

NS = "https://route53.amazonaws.com/doc/2013-04-01/"


def signature(method, target, raw, headers, secret):
    """What the signature of a request must be (AWS Signature Version 4); checked against botocore by a test."""
    fields = dict(re.findall(r"(\w+)=([^,\s]+)", headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ")))
    scope = fields["Credential"].split("/", 1)[1]
    url = urllib.parse.urlsplit(target)
    pairs = sorted(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    query = "&".join(urllib.parse.quote(k, "-_.~") + "=" + urllib.parse.quote(v, "-_.~") for k, v in pairs)
    signed = fields["SignedHeaders"].split(";")
    assert "host" in signed and "x-amz-date" in signed
    canonical = "\n".join([method, url.path, query, *[f"{h}:{' '.join(headers[h].split())}" for h in signed], "", ";".join(signed), hashlib.sha256(raw).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", headers["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return fields["Credential"].split("/")[0], scope, hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), fields["Signature"]


class Route53(Double):
    """Zones and their sets are dictionaries: zone id -> (name, type) -> [ttl, values]."""

    KIND = "route53"
    SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYCANARYKEY4711"
    KEY_ID = "AKIAIOSFODNN7EXAMPLE"
    BAD_KEY = "SignatureDoesNotMatch: The request signature we calculated does not match"
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = False
    POLLS = re.compile(r"/2013-04-01/change/")

    def __init__(self, stage, knot, zones, page=100, **kw):
        super().__init__(stage, knot, **kw)
        self.page = page
        self.secret = self.SECRET
        self.zones = {"Z" + uuid.uuid5(uuid.NAMESPACE_DNS, z).hex[:13].upper(): z for z in zones}
        self.private = []
        self.sets = {i: {} for i in self.zones}
        self.changes = {}
        self.busy = 0
        self.requests = []

    def entry(self, folder):
        file = harness.write(f"{folder}/aws.credentials", f"[default]\naws_access_key_id = {self.KEY_ID}\naws_secret_access_key = {self.SECRET}\n", 0o600)
        return {"name": "aws", "type": "route53", "url": self.base + "/2013-04-01", "access_key_file": file, "rate": 200}

    def break_key(self):
        self.secret = "another"

    # --- answers ---

    @staticmethod
    def xml(status, text):
        return status, '<?xml version="1.0" encoding="UTF-8"?>\n' + text, {"Content-Type": "text/xml"}

    def error(self, status, code, message):
        text = (f'<ErrorResponse xmlns="{NS}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>'
                f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")
        return Refused(*self.xml(status, text))

    def over(self):
        e = self.error(400, "Throttling", "Rate exceeded")
        return e.status, e.body, e.headers

    def parse(self, raw, headers):
        assert headers["Content-Type"] == "application/xml"
        return ET.fromstring(raw)

    def answer(self, method, target, raw, headers):
        key_id, scope, want, got = signature(method, target, raw, headers, self.secret)
        self.requests.append((method, target, raw, dict(headers)))
        assert scope.endswith("/us-east-1/route53/aws4_request")
        if key_id != self.KEY_ID or want != got:
            e = self.error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS "
                           "Secret Access Key and signing method. Consult the service documentation for details.")
            return e.status, e.body, e.headers
        return super().answer(method, target, raw, headers)

    def handle(self, method, path, query, body, headers):
        parts = path.removeprefix("/2013-04-01/").split("/")
        if method == "GET" and parts == ["hostedzone"]:
            return self.list_zones(query)
        if method == "GET" and parts[0] == "change" and len(parts) == 2:
            return self.xml(200, f'<GetChangeResponse xmlns="{NS}">{self.info(parts[1])}</GetChangeResponse>')
        if parts[0] != "hostedzone" or parts[2:3] != ["rrset"]:
            raise self.error(404, "UnknownOperationException", path)
        if parts[1] not in self.sets:
            raise self.error(404, "NoSuchHostedZone", f"No hosted zone found with ID: {parts[1]}")
        return self.list_sets(parts[1], query) if method == "GET" else self.change(parts[1], body)

    def info(self, change):
        due = self.changes[change]
        status = "INSYNC" if time.monotonic() >= due else "PENDING"
        return f"<ChangeInfo><Id>/change/{change}</Id><Status>{status}</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt></ChangeInfo>"

    def list_zones(self, query):
        assert set(query) <= {"marker", "maxitems"}
        size = min(int(query.get("maxitems", 100)), 100, self.page)
        ids = sorted([*self.zones, *self.private])
        at = ids.index(query["marker"]) if "marker" in query else 0
        text = "".join(f"<HostedZone><Id>/hostedzone/{i}</Id><Name>{self.zones.get(i, 'private.test')}.</Name><CallerReference>x</CallerReference>"
                       f"<Config><PrivateZone>{'true' if i in self.private else 'false'}</PrivateZone></Config></HostedZone>" for i in ids[at:at + size])
        more = at + size < len(ids)
        text = (f'<ListHostedZonesResponse xmlns="{NS}"><HostedZones>{text}</HostedZones><IsTruncated>{str(more).lower()}</IsTruncated>'
                + (f"<NextMarker>{ids[at + size]}</NextMarker>" if more else "") + f"<MaxItems>{size}</MaxItems></ListHostedZonesResponse>")
        return self.xml(200, text)

    def list_sets(self, zone, query):
        """From the name on, in the order of reversed labels."""
        assert set(query) <= {"identifier", "maxitems", "name", "type"}
        def order(key):
            return key[0].rstrip(".").split(".")[::-1], key[1]
        size = min(int(query.get("maxitems", 300)), 300, self.page)
        sets = sorted(self.sets[zone], key=order)
        start = order((query["name"], query.get("type", "")))
        sets = [s for s in sets if order(s) >= start]
        text = "".join(self.one_set(*s, *self.sets[zone][s]) for s in sets[:size])
        more = ""
        if len(sets) > size:
            more = f"<NextRecordName>{sets[size][0]}.</NextRecordName><NextRecordType>{sets[size][1]}</NextRecordType>"
        return self.xml(200, f'<ListResourceRecordSetsResponse xmlns="{NS}"><ResourceRecordSets>{text}</ResourceRecordSets>'
                        f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}<MaxItems>{size}</MaxItems></ListResourceRecordSetsResponse>")

    @staticmethod
    def one_set(name, kind, ttl, values):
        records = "".join(f"<ResourceRecord><Value>{escape(v)}</Value></ResourceRecord>" for v in values)
        return (f"<ResourceRecordSet><Name>{name}.</Name><Type>{kind}</Type><TTL>{ttl}</TTL><ResourceRecords>{records}</ResourceRecords></ResourceRecordSet>")

    # --- changes ---

    def change(self, zone, body):
        if self.busy:
            self.busy -= 1
            raise self.error(400, "PriorRequestNotComplete", "The request was rejected because Route 53 was still processing a prior request.")
        def tag(x):
            return x.tag.removeprefix("{" + NS + "}")
        assert tag(body) == "ChangeResourceRecordSetsRequest" and [tag(x) for x in body] == ["ChangeBatch"]
        assert [tag(x) for x in body[0]] in (["Comment", "Changes"], ["Changes"])
        new, lines = {k: [v[0], list(v[1])] for k, v in self.sets[zone].items()}, []
        for c in body[0][-1]:
            action, record_set = c
            assert [tag(x) for x in record_set] == ["Name", "Type", "TTL", "ResourceRecords"]
            name, kind, ttl = (record_set[i].text for i in range(3))
            values = [r[0].text for r in record_set[3]]
            assert name.endswith(".") and kind in ("TXT", "CNAME") and values
            self.one_change(zone, new, action.text, name[:-1], kind, int(ttl), values)
        for key in {*new, *self.sets[zone]}:
            if new.get(key) != self.sets[zone].get(key):
                lines += [f"del {key[0]} {key[1]}", *(f"{key[0]} 60 {key[1]} {v}" for v in new.get(key, [0, []])[1])]
        self.sets[zone] = new
        self.serve(lines)
        change = "C" + uuid.uuid4().hex[:12].upper()
        self.changes[change] = time.monotonic() + self.lag
        return self.xml(200, f'<ChangeResourceRecordSetsResponse xmlns="{NS}">{self.info(change)}</ChangeResourceRecordSetsResponse>')

    def one_change(self, zone, sets, action, name, kind, ttl, values):
        def refuse(text):
            return self.error(400, "InvalidChangeBatch", f"[{text}]")
        what = f"resource record set [name='{name}.', type='{kind}']"
        if not (name == self.zones[zone] or name.endswith("." + self.zones[zone])):
            raise refuse(f"RRSet with DNS name {name}. is not permitted in zone {self.zones[zone]}.")
        if action == "DELETE":
            if (name, kind) not in sets:
                raise refuse(f"Tried to delete {what} but it was not found")
            if [ttl, sorted(values)] != [sets[name, kind][0], sorted(sets[name, kind][1])]:
                raise refuse(f"Tried to delete {what} but the values provided do not match the current values")
            del sets[name, kind]
            return
        assert action == "CREATE" and 0 <= ttl <= 2147483647 and len(values) == len(set(values))
        if (name, kind) in sets:
            raise refuse(f"Tried to create {what} but it already exists")
        if [k for n, k in sets if n == name and "CNAME" in (k, kind)]:
            raise refuse(f"RRSet of type {kind} with DNS name {name}. is not permitted because a conflicting RRSet of type CNAME with the same DNS name "
                         f"already exists in zone {self.zones[zone]}.")
        for v in values if kind == "TXT" else []:
            parts = strings(v)
            if parts is None:
                raise refuse(f"Invalid Resource Record: 'FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '{v}''")
            if len(v) > 4000 or any(len(p) > 255 for p in parts):
                raise refuse(f"Invalid Resource Record: 'FATAL problem: CharacterStringTooLong (Value is too long) encountered with '{v}''")
        sets[name, kind] = [ttl, values]

    # --- somebody else ---

    def put(self, name, kind, content, ttl=300):
        zone = next(i for i, z in self.zones.items() if name == z or name.endswith("." + z))
        with self.lock:
            has = self.sets[zone].setdefault((name, kind), [ttl, []])
            has[1].append(content)
            self.serve([f"{name} {ttl} {kind} {content}" + ("." if kind == "CNAME" else "")])

    def stands(self, name):
        with self.lock:
            return sorted(v for sets in self.sets.values() for (n, _), s in sets.items() if n == name for v in s[1])
