"""Real DNS servers that take updates, for the tests of providers: BIND, Knot DNS and PowerDNS, each with one or more zones."""
import base64
import json
import os
import re
import socket
import sqlite3
import subprocess
import urllib.error
import urllib.request

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from from_sid import from_sid
from harness import HarnessError, free_port, read, wait_until, write

ZONE = "example.test"


def zone_text(zone, lines):
    """A zone file; `lines` are relative to the zone."""
    head = [f"$ORIGIN {zone}.", "$TTL 3600", f"@ SOA ns hostmaster 1 3600 600 86400 5", "@ NS ns", "ns A 127.0.0.1"]
    return "\n".join(head + list(lines)) + "\n"


def ask(port, name, kind, key=None):
    """The answer of the server at 127.0.0.1@port, over TCP."""
    q = dns.message.make_query(name, kind)
    return dns.query.tcp(q, "127.0.0.1", port=port, timeout=5)


def values(port, name, kind="TXT"):
    """The record data at the name, in text, sorted."""
    answer = ask(port, name, kind)
    return sorted(rr.to_text() for rrset in answer.answer if rrset.rdtype == dns.rdatatype.from_text(kind) for rr in rrset)


def serial(port, zone):
    """That of the zone's SOA."""
    return ask(port, zone, "SOA").answer[0][0].serial


def ttl(port, name, kind="TXT"):
    """TTLs of the RRset's records at the name."""
    return {rrset.ttl for rrset in ask(port, name, kind).answer}


class Server:
    """What the servers have in common: a key, a port, a folder, a process."""

    def __init__(self, stage, kind, zones):
        self.stage, self.kind = stage, kind
        self.zones = {zone: list(lines) for zone, lines in zones.items()}
        self.folder = stage.folder(kind)
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.key_name = "perdure-key"
        self.secret = base64.b64encode(b"canary" + os.urandom(26)).decode()
        self.algorithm = "hmac-sha256"
        self.key_file = write(os.path.join(self.folder, "key"),
                              f'key "{self.key_name}" {{\n\talgorithm {self.algorithm};\n\tsecret "{self.secret}";\n}};\n', 0o600)
        self.process = None

    def zone_file(self, zone):
        return write(os.path.join(self.folder, zone + ".zone"), zone_text(zone, self.zones[zone]))

    def begin(self, argv):
        self.process = self.stage.spawn(argv, self.log)
        wait_until(f"{self.kind} to answer", 20, lambda: self.process.poll() is not None or self.answers())
        if self.process.poll() is not None:
            raise HarnessError(f"{self.kind} does not start:\n" + read(self.log)[-3000:])

    def answers(self):
        try:
            return all(ask(self.port, zone, "SOA").rcode() == dns.rcode.NOERROR for zone in self.zones)
        except (OSError, dns.exception.DNSException):
            return False

    def entry(self, name="edge", **more):
        """The server as an entry of `providers:`."""
        return {"name": name, "type": "rfc2136", "server": f"127.0.0.1@{self.port}", "tsig": {"file": self.key_file}, **more}

    def nsupdate(self, *lines):
        """Changes by a third party, with BIND's nsupdate and the same key."""
        text = f"server 127.0.0.1 {self.port}\n" + "\n".join(lines) + "\nsend\n"
        p = subprocess.run(["nsupdate", "-v", "-y", f"{self.algorithm}:{self.key_name}:{self.secret}"], input=text, text=True,
                           capture_output=True, timeout=30, check=False)
        if p.returncode or p.stderr:
            raise HarnessError(f"nsupdate: {p.stdout}{p.stderr}")


class Bind(Server):
    """BIND. policy is what stands in update-policy; the key may do all by default."""

    def __init__(self, stage, zones, policy=None, algorithm=None):
        super().__init__(stage, "bind", zones)
        if algorithm:
            self.set_algorithm(algorithm)
        policy = policy or f"grant {self.key_name} zonesub ANY;"
        text = f"""
options {{
	directory "{self.folder}";
	listen-on port {self.port} {{ 127.0.0.1; }};
	listen-on-v6 {{ none; }};
	recursion no;
	allow-transfer {{ key {self.key_name}; }};
	dnssec-validation no;
	pid-file none;
	session-keyfile none;
	lock-file none;
	notify no;
	tcp-clients 200;
}};
controls {{ }};
{read(self.key_file)}
"""
        for zone in self.zones:
            text += f"""
zone "{zone}" {{
	type primary;
	file "{self.zone_file(zone)}";
	update-policy {{ {policy} }};
}};
"""
        self.begin(["named", "-g", "-n", "1", "-c", write(os.path.join(self.folder, "named.conf"), text)])

    def set_algorithm(self, algorithm):
        self.algorithm = algorithm
        write(self.key_file, f'key "{self.key_name}" {{\n\talgorithm {algorithm};\n\tsecret "{self.secret}";\n}};\n', 0o600)


class Knot(Server):
    """Knot DNS. acl is what stands below `acl:`; the key may do all by default."""

    def __init__(self, stage, zones, acl=None, algorithm=None):
        super().__init__(stage, "knot", zones)
        self.algorithm = algorithm or self.algorithm
        write(self.key_file, f"# {self.algorithm}:{self.key_name}:{self.secret}\nkey:\n- id: {self.key_name}\n"
                             f"  algorithm: {self.algorithm}\n  secret: {self.secret}\n", 0o600)
        acl = acl or f"acl:\n  - id: perdure\n    key: {self.key_name}.\n    action: [update, transfer]\n"
        text = f"""
server:
  rundir: "{self.folder}"
  listen: "127.0.0.1@{self.port}"
  udp-workers: 1
  tcp-workers: 2
  background-workers: 1
control:
  listen: "{self.folder}/ctl"
log:
  - target: stdout
    any: info
database:
  storage: "{self.folder}/db"
  journal-db-max-size: 100M
key:
  - id: {self.key_name}.
    algorithm: {self.algorithm}
    secret: "{self.secret}"
{acl}
template:
  - id: default
    storage: "{self.folder}"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
    acl: [perdure]
zone:
"""
        for zone in self.zones:
            self.zone_file(zone)
            text += f"  - domain: {zone}\n"
        self.begin(["knotd", "-c", write(os.path.join(self.folder, "knot.conf"), text)])


def newer_powerdns():
    """The command of a PowerDNS that knows EXTEND and PRUNE; skips where there is none."""
    try:
        return from_sid("pdns")
    except HarnessError as e:
        pytest.skip(f"NO TEST OF EXTEND AND PRUNE: {e}")


SCHEMA = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"


def answers_nothing(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


class PowerDNS(Server):
    """PowerDNS with SQLite and its HTTP interface: .url, .api_key, .api_key_file."""

    def __init__(self, stage, zones, command=("pdns_server",)):
        super().__init__(stage, "pdns", zones)
        self.http_port = free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.api_key = "canary" + base64.urlsafe_b64encode(os.urandom(12)).decode()
        self.api_key_file = write(os.path.join(self.folder, "api-key"), self.api_key + "\n", 0o600)
        database = os.path.join(self.folder, "pdns.sqlite3")
        with sqlite3.connect(database) as db:
            db.executescript(read(SCHEMA) + "PRAGMA journal_mode = WAL;")
        write(os.path.join(self.folder, "pdns.conf"), f"""
launch=gsqlite3
gsqlite3-database={database}
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
local-port={self.port}
api=yes
api-key={self.api_key}
webserver=yes
webserver-address=127.0.0.1
webserver-port={self.http_port}
webserver-allow-from=127.0.0.0/8
socket-dir={self.folder}
setuid=
setgid=
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
""")
        self.command = [*command, "--config-dir=" + self.folder, "--daemon=no", "--guardian=no"]
        self.begin_again(self.alive)
        for zone, lines in self.zones.items():
            self.call("POST", "/zones", {"name": zone + ".", "kind": "Native", "nameservers": [],
                                         "zone": zone_text(zone, lines)})

    def begin_again(self, ready):
        self.process = self.stage.spawn(self.command, self.log)
        wait_until("PowerDNS to answer", 20, lambda: self.process.poll() is not None or ready())
        if self.process.poll() is not None:
            raise HarnessError("PowerDNS does not start:\n" + read(self.log)[-3000:])

    def let_in(self, network):
        """Starts anew with an interface for this network only."""
        self.stage.end(self.process)
        path = os.path.join(self.folder, "pdns.conf")
        write(path, re.sub(r"webserver-allow-from=.*", f"webserver-allow-from={network}", read(path)))
        self.begin_again(lambda: not answers_nothing(self.http_port))

    def alive(self):
        try:
            return isinstance(self.call("GET", "/zones"), list)
        except (OSError, HarnessError):
            return False

    def call(self, method, path, body=None):
        """One call of the interface; its JSON."""
        request = urllib.request.Request(self.url + "/api/v1/servers/localhost" + path, method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"X-API-Key": self.api_key, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                text = r.read()
        except urllib.error.HTTPError as e:
            raise HarnessError(f"PowerDNS: {method} {path}: {e.code} {e.read()}") from None
        return json.loads(text) if text else None

    def count_serials(self, zone):
        """From now on each change of the zone through the interface adds one to its serial."""
        self.call("PUT", f"/zones/{zone}.", {"soa_edit_api": "INCREASE"})

    def entry(self, name="edge", **more):
        return {"name": name, "type": "powerdns", "url": self.url, "key_file": self.api_key_file, **more}

    def nsupdate(self, *lines):
        """Changes by a third party: dynamic update, which it takes from this machine without a key."""
        text = f"server 127.0.0.1 {self.port}\n" + "\n".join(lines) + "\nsend\n"
        p = subprocess.run(["nsupdate", "-v"], input=text, text=True, capture_output=True, timeout=30, check=False)
        if p.returncode or p.stderr:
            raise HarnessError(f"nsupdate: {p.stdout}{p.stderr}")
