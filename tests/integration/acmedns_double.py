"""
A double of acme-dns (joohoi/acme-dns): the server is a Go module that is not to be had everywhere. A strict reading of its sources (release 2): the two
calls of its interface with their refusals, two rows for each account of which an update takes the one that was changed longest ago (in whole
seconds, as the server's database has it), and its name server, which knows TXT for its accounts and answers NXDOMAIN for every name that has none.

Not shown: its certificate from Let's Encrypt, PostgreSQL, what several servers with one database do.
"""
import re
import secrets
import socketserver
import string
import threading
import time
import uuid

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

import harness
from provider_doubles import Double, Refused

KEY = string.ascii_letters + string.digits + "-_"
TAKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class AcmeDns(Double):
    """
    zone      the domain it is for
    open      whether it takes registrations

    Attributes: base (its URL), port (of its name server), users (by name: password, subdomain), log: ("update", subdomain, value) and
    ("served", subdomain, values) for each answer about values, in the order in which they happened. lose(n): the update after n more is
    followed by somebody else's two at the same name.
    """

    def __init__(self, stage, zone, open=True):
        self.zone, self.open = zone, open
        self.users, self.rows, self.log = {}, {}, []
        self.losing = None
        super().__init__(stage, None)
        self.port = harness.free_port()
        double = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                sock.sendto(double.answer_dns(data), self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while len(size := self.rfile.read(2)) == 2:
                    reply = double.answer_dns(self.rfile.read(int.from_bytes(size, "big")))
                    self.wfile.write(len(reply).to_bytes(2, "big") + reply)

        self.servers = [_Udp(("127.0.0.1", self.port), Udp), _Tcp(("127.0.0.1", self.port), Tcp)]
        for s in self.servers:
            threading.Thread(target=s.serve_forever, args=(0.02,), daemon=True).start()

    def entry(self, folder, **more):
        return {"name": "adns", "type": "acme-dns", "url": self.base, "zones": [self.zone], "accounts_file": f"{folder}/acme-dns.json", **more}

    def stub(self):
        return {"zone": self.zone, "servers": ["127.0.0.1"], "port": self.port}

    def stop(self):
        for s in getattr(self, "servers", []):
            s.shutdown()
            s.server_close()
        super().stop()

    def registered(self):
        return [c for c in self.calls if c == ("POST", "/register")]

    def updates(self):
        return [e for e in self.log if e[0] == "update"]

    def lose(self, n):
        self.losing = n

    # --- the interface ---

    def handle(self, method, path, query, body, headers):
        if (method, path) == ("POST", "/register") and self.open:
            return 201, self.register(body or {})
        if (method, path) == ("POST", "/update"):
            return 200, self.update(body, headers.get("X-Api-User"), headers.get("X-Api-Key"))
        raise Refused(404, "404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})

    def account(self):
        """A new account, as it is given out."""
        user, subdomain = str(uuid.uuid4()), str(uuid.uuid4())
        password = "".join(secrets.choice(KEY) for _ in range(40))
        self.users[user] = (password, subdomain)
        self.rows[subdomain] = [["", 0], ["", 0]]
        return {"username": user, "password": password, "fulldomain": f"{subdomain}.{self.zone}", "subdomain": subdomain, "allowfrom": []}

    def register(self, body):
        assert set(body) <= {"allowfrom"}
        return self.account()

    def update(self, body, user, key):
        if user not in self.users or self.users[user] != (key, body.get("subdomain")):
            raise Refused(401, {"error": "forbidden"})
        if not TAKEN.fullmatch(body.get("txt", "")):
            raise Refused(400, {"error": "bad_txt"})
        self.put(body["subdomain"], body["txt"])
        if self.losing == 0:
            for _ in range(2):
                self.put(body["subdomain"], "".join(secrets.choice(KEY) for _ in range(43)))
        self.losing = None if self.losing is None else self.losing - 1
        return {"txt": body["txt"]}

    def put(self, subdomain, value):
        row = min(self.rows[subdomain], key=lambda r: r[1])  # the first of those that are as old
        row[:] = [value, int(time.time())]
        self.log.append(("update", subdomain, value))

    def values(self, subdomain):
        with self.lock:
            return [v for v, _ in self.rows[subdomain] if v]

    # --- the name server ---

    def answer_dns(self, data):
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query, our_payload=512)
        q = query.question[0]
        name = q.name.to_text().lower().rstrip(".")
        kind = dns.rdatatype.to_text(q.rdtype)
        apex = {"SOA": f"{self.zone}. admin.{self.zone}. 1 28800 7200 604800 86400", "NS": f"{self.zone}.", "A": "127.0.0.1"}
        found = [apex[kind]] if name == self.zone and kind in apex else []
        if kind == "TXT":
            subdomain = name.split(".")[0]
            with self.lock:
                found = [f'"{v}"' for v, _ in self.rows.get(subdomain, []) if v]
                self.log.append(("served", subdomain, found))
        if name == self.zone or name.endswith("." + self.zone):
            reply.flags |= dns.flags.AA
        if found:
            reply.answer.append(dns.rrset.from_text(q.name, 1 if kind == "TXT" else 3600, "IN", kind, *found))
        elif name != self.zone:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            reply.authority.append(dns.rrset.from_text(self.zone + ".", 3600, "IN", "SOA", apex["SOA"]))
        return reply.to_wire()
