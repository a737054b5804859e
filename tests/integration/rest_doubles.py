"""Doubles of Hetzner Cloud DNS, DigitalOcean and deSEC, in front of a real Knot (see provider_doubles.py)."""
import re
import time
import urllib.parse

from provider_doubles import Double, Refused, strings


class Zones(Double):
    """Zones by name, each a dictionary (relative name, type) -> [ttl, [(value, mark)]]; "@" is the apex."""

    def __init__(self, stage, knot, zones, page=50, **kw):
        super().__init__(stage, knot, **kw)
        self.page = page
        self.zones = {z: {} for z in zones}

    def split(self, name):
        zone = next(z for z in self.zones if name == z or name.endswith("." + z))
        return zone, name[:-len(zone) - 1] or "@"

    @staticmethod
    def served(kind, value):
        """What Knot is given."""
        return value

    def push(self, zone, name, kind):
        """Knot gets what stands there now."""
        full = zone if name == "@" else f"{name}.{zone}"
        values = self.zones[zone].get((name, kind), [0, []])[1]
        self.serve([f"del {full} {kind}", *(f"{full} 60 {kind} {self.served(kind, v[0])}" for v in values)])

    def put(self, name, kind, content, ttl=3600):
        zone, relative = self.split(name)
        with self.lock:
            self.zones[zone].setdefault((relative, kind), [ttl, []])[1].append((self.kept(content), None))
            self.push(zone, relative, kind)

    @staticmethod
    def kept(content):
        """How it keeps a value that put() is given."""
        return content

    def values(self, name):
        zone, relative = self.split(name)
        with self.lock:
            return [v for (n, _), s in self.zones[zone].items() if n == relative for v in s[1]]

    def stands(self, name):
        return sorted(self.served("TXT", v) for v, _ in self.values(name))

    def marks(self, name):
        return dict(self.values(name))

    def part(self, items, query, most):
        """(the items of the page, its number, whether there are more)"""
        number, size = int(query.get("page", 1)), min(int(query.get("per_page", 20)), most, self.page)
        assert number >= 1 and int(query.get("per_page", 20)) <= most
        return items[(number - 1) * size:number * size], number, number * size < len(items)


class Hetzner(Zones):
    """The zones and RRsets of the Cloud API; each change is an action that runs until Knot serves it."""

    KIND = "hetzner"
    SECRET = "hcloud-4711-canary-token"
    BAD_KEY = "unauthorized: the token you have provided is invalid"
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = True
    POLLS = re.compile(r"/actions/\d+")

    def __init__(self, *a, **kw):
        super().__init__(*a, **kw)
        self.actions = {}
        self.locked = 0
        self.fail = None

    @staticmethod
    def error(status, code, message):
        return Refused(status, {"error": {"code": code, "message": message, "details": None}})

    def over(self):
        # No Retry-After: when it begins anew is told as a moment.
        return 429, {"error": {"code": "rate_limit_exceeded", "message": "Limit of requests per hour reached"}}, {
            "RateLimit-Limit": "3600", "RateLimit-Remaining": "0", "RateLimit-Reset": str(int(time.time()) + 1)}

    def paged(self, what, items, query):
        part, number, more = self.part(items, query, 50)
        return 200, {what: part, "meta": {"pagination": {"page": number, "per_page": 50, "previous_page": None, "next_page": number + 1 if more else None,
                                                        "last_page": 99, "total_entries": len(items)}}}

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != "Bearer " + self.token:
            raise self.error(401, "unauthorized", "the token you have provided is invalid")
        parts = path.strip("/").split("/")
        if method == "GET" and parts == ["zones"]:
            assert set(query) <= {"name", "page", "per_page"}
            return self.paged("zones", [{"id": i, "name": z, "mode": "primary", "ttl": 3600} for i, z in enumerate(self.zones)], query)
        if method == "GET" and parts[0] == "actions":
            return 200, {"action": self.action(int(parts[1]))}
        if parts[0] != "zones" or parts[1] not in self.zones:
            raise self.error(404, "not_found", "Zone not found")
        zone = parts[1]
        if method == "GET" and len(parts) == 2:
            return 200, {"zone": {"id": 1, "name": zone}}
        if method == "GET" and parts[2:] == ["rrsets"]:
            assert set(query) <= {"name", "type", "page", "per_page"}
            sets = [{"id": f"{n}/{k}", "name": n, "type": k, "ttl": s[0], "labels": {}, "protection": {"change": False}, "zone": 1,
                     "records": [{"value": v, "comment": m or ""} for v, m in s[1]]}
                    for (n, k), s in self.zones[zone].items() if n == query.get("name", n) and s[1]]
            return self.paged("rrsets", sets, query)
        if method == "POST" and len(parts) == 7 and parts[5] == "actions":
            return self.change(zone, urllib.parse.unquote(parts[3]), parts[4], parts[6], body)
        raise self.error(405, "method_not_allowed", "Method not allowed")

    def action(self, number):
        due, failed = self.actions[number]
        status = "running" if time.monotonic() < due else "error" if failed else "success"
        return {"id": number, "command": "x", "status": status, "progress": 0, "error": {"code": "action_failed", "message": failed} if failed else None}

    def change(self, zone, name, kind, what, body):
        if self.locked:
            self.locked -= 1
            raise self.error(423, "locked", "item is locked")
        sets = self.zones[zone]
        ttl, values = sets.get((name, kind), [None, []])
        values = list(values)
        if what == "change_ttl":
            assert set(body) == {"ttl"} and values
            ttl = body["ttl"]
        elif what == "add_records":
            assert set(body) <= {"ttl", "records"} and all(set(r) <= {"value", "comment"} for r in body["records"])
            if values and "ttl" in body and body["ttl"] != ttl:
                raise self.error(422, "invalid_input", "ttl does not match that of the RRSet")
            ttl = ttl if values else body.get("ttl")
            if [k for (n, k), s in sets.items() if n == name and s[1] and "CNAME" in (k, kind)]:
                raise self.error(422, "invalid_input", "CNAME record conflicts with other records of this name")
            for r in body["records"]:
                parts = strings(r["value"]) if kind == "TXT" else []
                if parts is None or any(len(p) > 255 for p in parts):
                    raise self.error(422, "invalid_input", "invalid TXT record value")
                if r["value"] in [v for v, _ in values]:
                    raise self.error(409, "uniqueness_error", "record already exists")
                values.append((r["value"], r.get("comment")))
        else:
            assert what == "remove_records" and set(body) == {"records"}
            for r in body["records"]:
                assert set(r) <= {"value"}
                if r["value"] not in [v for v, _ in values]:
                    raise self.error(404, "not_found", "record not found")
                values = [v for v in values if v[0] != r["value"]]
        number = len(self.actions) + 1
        self.actions[number] = (time.monotonic() + self.lag, self.fail)
        if not self.fail:
            sets[name, kind] = [ttl, values]
            self.push(zone, name, kind)
        running = self.action(number)
        return 201, {"action": {**running, "status": "running"}}


class DigitalOcean(Double):
    """Domains with a list of records, each with a number; the same record may be there twice. TXT data is the bare text."""

    KIND = "digitalocean"
    SECRET = "dop_v1_4711canary"
    BAD_KEY = "Unable to authenticate you"
    FOREIGN = '"v=spf1 include:other.test -all"'
    MARKS = False
    TWICE = True

    def __init__(self, stage, knot, zones, page=200, **kw):
        super().__init__(stage, knot, **kw)
        self.page = page
        self.zones = {z: [] for z in zones}
        self.number = 1000

    @staticmethod
    def error(status, name, message):
        return Refused(status, {"id": name, "message": message, "request_id": "4d9d8375"})

    def over(self):
        return 429, {"id": "too_many_requests", "message": "API Rate limit exceeded."}, {"retry-after": "1", "ratelimit-remaining": "0"}

    def paged(self, what, items, query):
        number, size = int(query.get("page", 1)), min(int(query.get("per_page", 20)), 200, self.page)
        links = {"pages": {"next": f"{self.base}/x?page={number + 1}", "last": self.base}} if number * size < len(items) else {}
        return 200, {what: items[(number - 1) * size:number * size], "links": links, "meta": {"total": len(items)}}

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != "Bearer " + self.token:
            raise self.error(401, "Unauthorized", "Unable to authenticate you")
        parts = path.strip("/").split("/")
        if method == "GET" and parts == ["domains"]:
            assert set(query) <= {"page", "per_page"}
            return self.paged("domains", [{"name": z, "ttl": 1800, "zone_file": ""} for z in self.zones], query)
        if parts[0] != "domains" or parts[1] not in self.zones:
            raise self.error(404, "not_found", "The resource you were accessing could not be found.")
        zone = parts[1]
        records = self.zones[zone]
        if method == "GET" and len(parts) == 2:
            return 200, {"domain": {"name": zone}}
        if method == "GET" and parts[2:] == ["records"]:
            assert set(query) <= {"name", "type", "page", "per_page"} and (query["name"] == zone or query["name"].endswith("." + zone))
            name = query["name"][:-len(zone) - 1] or "@"
            return self.paged("domain_records", [r for r in records if r["name"] == name and query.get("type") in (None, r["type"])], query)
        if method == "POST" and parts[2:] == ["records"]:
            return 201, {"domain_record": self.post(zone, body)}
        at = next((i for i, r in enumerate(records) if parts[2] == "records" and str(r["id"]) == parts[3]), None)
        if at is None:
            raise self.error(404, "not_found", "The resource you were accessing could not be found.")
        if method == "DELETE":
            self.push(zone, records.pop(at)["name"])
            return 204, None
        assert method == "PATCH" and set(body) <= {"type", "ttl"} and body["type"] == records[at]["type"] and body["ttl"] >= 30
        records[at].update(body)
        return 200, {"domain_record": records[at]}

    def post(self, zone, r):
        assert set(r) == {"type", "name", "data", "ttl"} and not r["name"].endswith(zone) and r["ttl"] >= 30
        same = [x for x in self.zones[zone] if x["name"] == r["name"]]
        if any(x["type"] == "CNAME" for x in same) or (same and r["type"] == "CNAME"):
            raise self.error(422, "unprocessable_entity", "CNAME records cannot share a name with other records")
        if r["type"] == "TXT" and (len(r["data"]) > 512 or "\\" in r["data"]):
            raise self.error(422, "unprocessable_entity", "Data is invalid")
        if r["type"] == "CNAME" and not r["data"].endswith("."):
            raise self.error(422, "unprocessable_entity", "Data needs to end with a dot (.)")
        self.number += 1
        made = {"id": self.number, "priority": None, "port": None, "weight": None, "flags": None, "tag": None, **r}
        self.zones[zone].append(made)
        self.push(zone, r["name"])
        return made

    def push(self, zone, name):
        full = zone if name == "@" else f"{name}.{zone}"
        lines = [f"del {full} TXT", f"del {full} CNAME"]
        for text, kind in sorted({(r["data"], r["type"]) for r in self.zones[zone] if r["name"] == name}):
            parts = [text[i:i + 255] for i in range(0, len(text), 255)]
            lines.append(f"{full} 60 {kind} " + (" ".join(f'"{p}"' for p in parts) if kind == "TXT" else text))
        self.serve(lines)

    def put(self, name, kind, content, ttl=1800):
        zone = next(z for z in self.zones if name == z or name.endswith("." + z))
        with self.lock:
            self.post(zone, {"type": kind, "name": name[:-len(zone) - 1] or "@", "data": content[1:-1] if kind == "TXT" else content + ".", "ttl": ttl})

    def stands(self, name):
        with self.lock:
            return sorted(f'"{r["data"]}"' for z, records in self.zones.items() for r in records if f"{r['name']}.{z}" == name)


class Desec(Zones):
    """Domains with RRsets that are written as a whole, several in one PATCH or none; pages by a cursor."""

    KIND = "desec"
    SECRET = "desec-i4711canaryT"
    BAD_KEY = "Invalid token"
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = False
    COMPARES = False

    def entry(self, folder):
        return {**super().entry(folder), "rate": 200}

    def over(self):
        return 429, {"detail": "Request was throttled. Expected available in 1 second."}, {"Retry-After": "1"}

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != "Token " + self.token:
            raise Refused(401, {"detail": "Invalid token."})
        parts = path.removeprefix("/").split("/")
        assert parts[-1] == "" and parts[0] == "domains"
        if method == "GET" and parts == ["domains", ""]:
            return self.domains(query)
        if parts[1] not in self.zones:
            raise Refused(404, {"detail": "Not found."})
        zone = parts[1]
        if parts[2:] == [""]:
            return 200, {"name": zone, "minimum_ttl": 3600}
        assert parts[2:] == ["rrsets", ""]
        if method == "GET":
            assert set(query) <= {"subname", "type"}
            found = [(n, k) for n, k in self.zones[zone] if query.get("subname", n) in (n, "" if n == "@" else n) and query.get("type", k) == k]
            if "subname" not in query and len(found) > 500:
                raise Refused(400, {"detail": "Pagination required. You can query up to 500 items at a time."})
            return 200, [self.show(zone, n, k) for n, k in found]
        assert method == "PATCH" and isinstance(body, list)
        new = dict(self.zones[zone])
        problems = [self.check(zone, new, s) for s in body]
        if any(problems):
            raise Refused(400, problems)
        self.zones[zone] = {k: v for k, v in new.items() if v[1]}
        for s in body:
            self.push(zone, s["subname"] or "@", s["type"])
        return 200, [self.show(zone, s["subname"] or "@", s["type"]) for s in body if s["records"]]

    def domains(self, query):
        names = list(self.zones)
        if "cursor" not in query and len(names) > self.page:
            raise Refused(400, {"detail": "Pagination required. You can query up to 500 items at a time."}, {"Link": f'<{self.base}/domains/?cursor=>; rel="first"'})
        at = int((query.get("cursor") or ":0").removeprefix(":"))
        link = f'<{self.base}/domains/?cursor=>; rel="first"'
        if at + self.page < len(names):
            link += f', <{self.base}/domains/?cursor=%3A{at + self.page}>; rel="next"'
        return 200, [{"name": n, "minimum_ttl": 3600} for n in names[at:at + self.page]], {"Link": link, "Content-Type": "application/json"}

    def show(self, zone, name, kind):
        ttl, values = self.zones[zone][name, kind]
        sub = "" if name == "@" else name
        return {"domain": zone, "subname": sub, "name": f"{sub}.{zone}.".lstrip("."), "type": kind, "ttl": ttl, "records": [v for v, _ in values],
                "created": "2026-01-01T00:00:00Z", "touched": "2026-01-01T00:00:00Z"}

    def check(self, zone, new, s):
        assert set(s) <= {"subname", "type", "ttl", "records"} and {"subname", "type", "records"} <= set(s)
        key = s["subname"] or "@", s["type"]
        if s["records"] and key not in new and "ttl" not in s:
            return {"ttl": ["This field is required."]}
        if s["records"] and not 3600 <= s.get("ttl", 3600) <= 86400:
            return {"ttl": ["Ensure this value is greater than or equal to 3600."]}
        if s["records"] and [k for n, k in new if n == key[0] and k != key[1] and "CNAME" in (k, key[1])]:
            return {"non_field_errors": ["RRset with conflicting type present: database (CNAME). (No other RRsets are allowed alongside CNAME.)"]}
        if s["type"] == "TXT" and any(strings(r) is None for r in s["records"]):
            return {"records": ["Data for TXT records must be given using quotation marks."]}
        if len(set(s["records"])) < len(s["records"]):
            return {"records": ["Duplicate records are not allowed."]}
        new[key] = [s.get("ttl", new.get(key, [3600])[0]), [(r, None) for r in s["records"]]]
        return {}
