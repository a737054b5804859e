"""
Small servers beside those of harness.py, for tests that need several of them or need them to say odd things.

    s = DnsServer(udp=lambda q, wire: [...], tcp=lambda q, connection, stop: ...)  # says what it is told to; .address, .close()
    zone = ZoneServer(stage, "127.0.0.2", 5300, "example.test", ['www TXT "x"'])   # knotd with one zone; .change(lines), .stop()
    ca = Directory(stage, meta={"caaIdentities": ["ca.test"]})                     # only the directory of a CA, over HTTPS
    ca.meta["accountHashPrefix"] = ...; ca.up = False; ca.requests
"""
import http.server
import json
import os
import socket
import socketserver
import ssl
import struct
import threading

import dns.flags
import dns.message
import dns.rrset

import harness


def free_port_on(addresses):
    """A port free for TCP and UDP on all these addresses of the loopback network."""
    for _ in range(200):
        port = harness.free_port()
        held = []
        try:
            for address in addresses:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    held.append(socket.socket(socket.AF_INET, kind))
                    held[-1].bind((address, port))
            return port
        except OSError:
            continue
        finally:
            for s in held:
                s.close()
    raise harness.HarnessError("no free port")


class ZoneServer:
    """An authoritative server with one zone. lines: zone file lines relative to the zone."""

    def __init__(self, stage, address, port, zone, lines):
        self.stage, self.address, self.port, self.zone = stage, address, port, zone
        self.folder = stage.folder("zone")
        self.serial = 0
        self._write(lines)
        conf = f"""
server:
  rundir: "{self.folder}"
  listen: "{address}@{port}"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
control:
  listen: "{self.folder}/ctl"
database:
  storage: "{self.folder}"
log:
  - target: stdout
    any: info
template:
  - id: default
    storage: "{self.folder}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
  - domain: "{zone}"
    file: zone
"""
        log = os.path.join(self.folder, "log")
        self.process = stage.spawn(["/usr/sbin/knotd", "-c", harness.write(os.path.join(self.folder, "conf"), conf)], log)
        harness.wait_until("Knot to serve", 20, lambda: self.process.poll() is not None or self._serves())
        if self.process.poll() is not None:
            raise harness.HarnessError("Knot does not start:\n" + harness.read(log)[-2000:])

    def _write(self, lines):
        self.serial += 1
        head = [f"$ORIGIN {self.zone}.", "$TTL 300", f"@ SOA ns host {self.serial} 3600 600 86400 5", "@ NS ns", f"ns A {self.address}"]
        harness.write(os.path.join(self.folder, "zone"), "\n".join(head + list(lines)) + "\n")

    def _serves(self):
        try:
            harness.tool("/usr/sbin/knotc", "-b", "-s", f"{self.folder}/ctl", "-t", "1", "status")
            return harness.dns_query(self.port, self.zone, "SOA", 0.5, self.address)[:2] == (0, True)
        except (OSError, harness.HarnessError):
            return False

    def change(self, lines):
        """Serves other lines from now on."""
        self._write(lines)
        harness.tool("/usr/sbin/knotc", "-b", "-s", f"{self.folder}/ctl", "-t", "20", "zone-reload", self.zone)

    def stop(self):
        self.stage.end(self.process)


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


class Directory:
    """
    An HTTPS server that answers every path with an ACME directory, and nothing else. `meta` may be changed at any time; with `up`
    False it answers with status 503.

    Attributes: dir_url, ca_bundle, requests (the paths asked for).
    """

    def __init__(self, stage, meta=None):
        self.meta = {"caaIdentities": ["ca.test"]} if meta is None else meta
        self.up = True
        self.requests = []
        folder = stage.folder("directory")
        self.ca_bundle, key = os.path.join(folder, "tls.pem"), os.path.join(folder, "tls.key")
        harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                     "-subj", "/CN=perdure test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
                     "-out", self.ca_bundle)
        directory = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                directory.requests.append(self.path)
                body = json.dumps(directory.document()).encode() if directory.up else b"{}"
                self.send_response(200 if directory.up else 503)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_bundle, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://localhost:{self.server.server_address[1]}"
        self.dir_url = self.base + "/dir"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        stage.closers.append(self.stop)

    def document(self):
        """What it answers."""
        urls = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order", "revokeCert": "revoke", "keyChange": "key"}
        return {**{k: f"{self.base}/{v}" for k, v in urls.items()}, "meta": self.meta}

    def config_entry(self, name="ca", **more):
        """This CA as an entry of `cas:` with public account data."""
        account = {"url": self.base + "/acct/1", "thumbprints": ["NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"]}
        return {"name": name, "directory": self.dir_url, "ca_bundle": self.ca_bundle, "account": account, **more}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class DnsServer:
    """
    A DNS server in Python at a free port. udp(query, wire) gives a list of packets to send; tcp(query, connection, stop) writes what
    it likes. asked and tcp_asked count the questions. late: seconds that packets are held back.
    """

    def __init__(self, udp=None, tcp=None, ip="127.0.0.1", port=None, late=0):
        self.udp, self.tcp, self.asked, self.tcp_asked, self.stop = udp, tcp, 0, 0, threading.Event()
        self.late = late
        self.port = port or harness.free_port()
        self.address = f"{ip}@{self.port}"
        self.u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.u.bind((ip, self.port))
        self.t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.t.bind((ip, self.port))
        self.t.listen(64)
        self.u.settimeout(0.1)
        self.t.settimeout(0.1)
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._udp, self._tcp)]
        for t in self.threads:
            t.start()

    def _udp(self):
        while not self.stop.is_set():
            try:
                wire, peer = self.u.recvfrom(65535)
            except socket.timeout:
                continue
            self.asked += 1
            self.peer = peer
            packets = self.udp(dns.message.from_wire(wire), wire) if self.udp else []
            if self.late:
                threading.Thread(target=self._send, args=(packets, peer), daemon=True).start()
            else:
                self._send(packets, peer)

    def _send(self, packets, peer):
        if self.late and self.stop.wait(self.late):
            return
        for packet in packets:
            try:
                self.u.sendto(packet, peer)
            except OSError:  # closed meanwhile
                return

    def _tcp(self):
        while not self.stop.is_set():
            try:
                c, _ = self.t.accept()
            except socket.timeout:
                continue
            except OSError:  # a test shut it down
                return
            self.tcp_asked += 1
            threading.Thread(target=self._tcp_one, args=(c,), daemon=True).start()

    def _tcp_one(self, c):
        with c:
            c.settimeout(5)
            try:
                n = struct.unpack(">H", c.recv(2, socket.MSG_WAITALL))[0]
                q = dns.message.from_wire(c.recv(n, socket.MSG_WAITALL))
                if self.tcp:
                    self.tcp(q, c, self.stop)
            except (OSError, struct.error):
                pass

    def close(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        self.u.close()
        self.t.close()


def answer(q, text="good", aa=True, tc=False, rcode=0, name=None, ident=None, rr=True):
    """An answer to a question (a dnspython message) with one TXT record, as a dnspython message."""
    r = dns.message.make_response(q)
    r.flags |= dns.flags.AA if aa else 0
    r.flags |= dns.flags.TC if tc else 0
    r.set_rcode(rcode)
    if rr:
        r.answer.append(dns.rrset.from_text(name or q.question[0].name, 60, "IN", "TXT", f'"{text}"'))
    if ident is not None:
        r.id = ident
    return r


def framed(wire):
    """A message as it goes over TCP."""
    return struct.pack(">H", len(wire)) + wire
