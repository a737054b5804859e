"""
Doubles of DNS providers' HTTP interfaces, for those that cannot be had: strict readings of the vendors' published descriptions, with the vendors' own
words in errors. What is written through them is served by a real Knot after `lag` seconds, so that waiting for name servers is real.

A double refuses what the vendor would refuse, and counts: .calls (method and path of each), .too_many (calls beyond its rate limit).
"""
import collections
import http.server
import json
import re
import ssl
import threading
import time
import urllib.parse
import uuid

import harness


class Refused(Exception):
    """An answer that is an error: status, body (an object or text), headers."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class Double:
    """
    An HTTP server on loopback. A subclass answers in handle(method, path, query, body, headers) -> (status, object), under a lock.

    rate      (calls, seconds) that are let through; over() makes the answer to one too many
    lag       seconds until Knot serves a change
    tls       (certificate, key): files; it speaks TLS then

    A subclass says: KIND, SECRET (a canary), BAD_KEY (what it answers to another), FOREIGN (a value of others, in master-file form), MARKS (whether
    a mark is kept with a value), POLLS (paths that ask for the progress of a change), TOKENS (paths that give access tokens: no calls of
    the interface, so no limit holds for them). put() is somebody else's change, stands() what
    is there, in master-file form.
    """

    POLLS = None
    TOKENS = None
    TWICE = False  # the same record may be there twice
    COMPARES = True  # two writers at once cannot undo each other

    def __init__(self, stage, knot, rate=None, lag=0, tls=None):
        self.knot, self.rate, self.lag = knot, rate, lag
        self.calls, self.too_many, self.recent, self.lock = [], 0, collections.deque(), threading.Lock()
        self.pending = []
        self.token = getattr(self, "SECRET", None)
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body, headers = double.answer(self.command, self.path, raw, self.headers)
                data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for k, v in headers.items():
                    self.send_header(k, v)
                if "Content-Type" not in headers:
                    self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.base = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        stage.closers.append(self.stop)

    def entry(self, folder):
        """The entry of `providers:`."""
        file = harness.write(f"{folder}/{self.KIND}.token", self.SECRET + "\n", 0o600)
        return {"name": self.KIND, "type": self.KIND, "url": self.base, "token_file": file}

    def break_key(self):
        self.token = "another"

    def counted(self):
        """The calls, but for those that ask whether a change is done, or for a token."""
        return [c for c in self.calls if not any(p and p.search(c[1]) for p in (self.POLLS, self.TOKENS))]

    def secrets(self):
        """What may be seen nowhere."""
        return [self.SECRET]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for timer in self.pending:
            timer.join(self.lag + 20)

    def answer(self, method, target, raw, headers):
        url = urllib.parse.urlsplit(target)
        with self.lock:
            self.calls.append((method, url.path))
            now = time.monotonic()
            limited = self.rate and not (self.TOKENS and self.TOKENS.search(url.path))
            while self.rate and self.recent and now - self.recent[0] > self.rate[1]:
                self.recent.popleft()
            if limited and len(self.recent) >= self.rate[0]:
                self.too_many += 1
                return self.over()
            if limited:
                self.recent.append(now)
            try:
                body = self.parse(raw, headers) if raw else None
                done = self.handle(method, url.path, dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)), body, headers)
                return (*done, {}) if len(done) == 2 else done
            except Refused as r:
                return r.status, r.body, r.headers

    def parse(self, raw, headers):
        """The body as handle() gets it."""
        assert headers["Content-Type"] == "application/json"
        return json.loads(raw)

    @staticmethod
    def form(raw):
        """The fields of a form."""
        return dict(urllib.parse.parse_qsl(raw.decode(), keep_blank_values=True, strict_parsing=True))

    def over(self):
        """The answer to a call too many."""
        return 429, {"error": "too many"}, {"Retry-After": "1"}

    def handle(self, method, path, query, body, headers):
        raise NotImplementedError

    def serve(self, lines):
        """Lines for Knot.nsupdate(), after the lag."""
        def push():
            self.knot.nsupdate(lines)

        if not self.lag:
            push()
            return
        timer = threading.Timer(self.lag, push)
        timer.start()
        self.pending.append(timer)


def strings(text):
    """The character-strings of TXT content in quotes; None when it is not that."""
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"(?: "(?:[^"\\]|\\.)*")*', text):
        return None
    return [re.sub(r"\\(.)", r"\1", s) for s in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]


class Cloudflare(Double):
    """
    Version 4 of the API: zones, dns_records, batch; pages of at most 100 records and 50 zones. Zones and records are dictionaries by id.
    """

    KIND = "cloudflare"
    SECRET = "cf-token-4711-canary"
    BAD_KEY = "Invalid access token (code 9109)"
    FOREIGN = '"v=spf1 -all" " second \\"string\\""'
    MARKS = True

    def __init__(self, stage, knot, zones, page=50, **kw):
        super().__init__(stage, knot, **kw)
        self.page = page
        self.zones = {uuid.uuid5(uuid.NAMESPACE_DNS, z).hex: z for z in zones}
        self.records = {z: {} for z in self.zones}

    def error(self, status, code, message, chain=None):
        e = {"code": code, "message": message}
        if chain:
            e["error_chain"] = [{"code": chain[0], "message": chain[1]}]
        return Refused(status, {"success": False, "errors": [e], "messages": [], "result": None})

    def over(self):
        body = {"success": False, "errors": [{"code": 10000, "message": "Rate limited. Please wait and consider throttling your request speed"}],
                "messages": [], "result": None}
        return 429, body, {"Retry-After": "1", "Ratelimit": '"default";r=0;t=1'}

    @staticmethod
    def ok(result, **info):
        body = {"success": True, "errors": [], "messages": [], "result": result}
        if info:
            body["result_info"] = info
        return 200, body

    def paged(self, items, query, most):
        n, size = int(query.get("page", 1)), min(int(query.get("per_page", 20)), most, self.page)
        pages = max(1, -(-len(items) // size))
        part = items[(n - 1) * size:n * size]
        return self.ok(part, page=n, per_page=size, count=len(part), total_count=len(items), total_pages=pages)

    def handle(self, method, path, query, body, headers):
        if headers.get("Authorization") != "Bearer " + self.token:
            raise self.error(403, 9109, "Invalid access token")
        parts = path.strip("/").split("/")
        if parts == ["zones"] and method == "GET":
            assert set(query) <= {"name", "page", "per_page"}
            found = [{"id": i, "name": z, "status": "active"} for i, z in self.zones.items() if query.get("name") in (None, z)]
            return self.paged(found, query, 50)
        if parts[0] != "zones" or len(parts) < 3 or parts[1] not in self.zones:
            raise self.error(400, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")
        records = self.records[parts[1]]
        if parts[2:] == ["dns_records"] and method == "GET":
            assert set(query) <= {"name.exact", "type", "page", "per_page"}
            found = [r for r in records.values() if r["name"] == query["name.exact"] and query.get("type") in (None, r["type"])]
            return self.paged(found, query, 100)
        if parts[2:] == ["dns_records", "batch"] and method == "POST":
            return self.batch(parts[1], body)
        raise self.error(405, 10405, "Method not allowed")

    def batch(self, zone, body):
        assert set(body) <= {"deletes", "patches", "puts", "posts"}
        old = self.records[zone]
        new = {i: dict(r) for i, r in old.items()}
        out, lines = {"deletes": [], "patches": [], "posts": []}, []
        for d in body.get("deletes", []):
            if d["id"] not in new:
                raise self.error(404, 81044, "Record does not exist.")
            out["deletes"].append(new.pop(d["id"]))
        for d in body.get("patches", []):
            if d["id"] not in new:
                raise self.error(404, 81044, "Record does not exist.")
            new[d["id"]].update(d)
            out["patches"].append(new[d["id"]])
        for r in body.get("posts", []):
            out["posts"].append(self.post(zone, new, r))
        self.records[zone] = new
        for r in set(map(lambda x: (x["name"], x["type"]), [*old.values(), *new.values()])):
            before = sorted(x["content"] for x in old.values() if (x["name"], x["type"]) == r)
            after = sorted(x["content"] for x in new.values() if (x["name"], x["type"]) == r)
            if before != after:
                lines.append(f"del {r[0]} {r[1]}")
                lines += [f"{r[0]} 60 {r[1]} {c}" + ("." if r[1] == "CNAME" else "") for c in after]
        if lines:
            self.serve(lines)
        return self.ok(out)

    def post(self, zone, records, r):
        assert set(r) <= {"type", "name", "content", "ttl", "comment", "proxied"} and r["type"] in ("TXT", "CNAME")
        name = r["name"]
        if not (name == self.zones[zone] or name.endswith("." + self.zones[zone])):
            raise self.error(400, 1004, "DNS Validation Error", (9021, "Name is out of the zone."))
        if not (r["ttl"] == 1 or 60 <= r["ttl"] <= 86400):
            raise self.error(400, 1004, "DNS Validation Error", (9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."))
        if r["type"] == "TXT":
            parts = strings(r["content"])
            if parts is None or any(len(p) > 255 for p in parts):
                raise self.error(400, 1004, "DNS Validation Error", (9207, "TXT record content must consist of quoted character strings"))
        same = [x for x in records.values() if x["name"] == name]
        if any(x["type"] == "CNAME" for x in same) or (same and r["type"] == "CNAME"):
            raise self.error(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
        if any(x["type"] == r["type"] and x["content"] == r["content"] for x in same):
            raise self.error(400, 81058, "An identical record already exists.")
        made = {"id": uuid.uuid4().hex, "comment": None, **r}
        records[made["id"]] = made
        return made

    def put(self, name, kind, content, ttl=300):
        """A record of somebody else's."""
        zone = next(i for i, z in self.zones.items() if name == z or name.endswith("." + z))
        with self.lock:
            made = self.post(zone, self.records[zone], {"type": kind, "name": name, "content": content, "ttl": ttl})
            self.serve([f"{name} {ttl} {kind} {content}" + ("." if kind == "CNAME" else "")])
        return made

    def marks(self, name):
        """value -> mark of all that stands there."""
        return {r["content"]: r["comment"] for records in self.records.values() for r in records.values() if r["name"] == name}

    def stands(self, name):
        with self.lock:
            return sorted(r["content"] for records in self.records.values() for r in records.values() if r["name"] == name)
