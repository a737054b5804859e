"""An HTTPS server for test_client.c: misbehaves by path.

Makes a CA and a certificate for "localhost" in a new folder, listens on a free port of 127.0.0.1, prints one line
"PORT EXPIRED_PORT FOLDER" (the second port shows an expired certificate; the folder has ca.pem and other-ca.pem),
and ends, removing the folder, when its standard input does.
"""
import datetime
import os
import shutil
import socketserver
import ssl
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def make_ca(common):
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (x509.CertificateBuilder().subject_name(name(common)).issuer_name(name(common))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 9 * DAY).not_valid_after(NOW + DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256()))
    return key, cert


def make_leaf(folder, stem, ca, until):
    """A certificate for localhost (not for 127.0.0.1) and its key in one file."""
    ca_key, ca_cert = ca
    key = ec.generate_private_key(ec.SECP256R1())
    cert = (x509.CertificateBuilder().subject_name(name("leaf")).issuer_name(ca_cert.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 5 * DAY).not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(ca_key, hashes.SHA256()))
    path = os.path.join(folder, stem)
    with open(path, "wb") as f:
        f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption()))
        f.write(cert.public_bytes(serialization.Encoding.PEM))
    return path


def write_cert(folder, stem, cert):
    with open(os.path.join(folder, stem), "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.PEM))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        getattr(self, "at_" + path.strip("/").replace("/", "_"), self.at_missing)(body)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_any

    def at_ok(self, body):
        seen = [("X-" + k, self.headers.get(k, "-")) for k in ("User-Agent", "Accept", "Content-Type", "Expect",
                                                               "Accept-Encoding")]
        self.reply(200, body or b"hello", seen + [("X-Method", self.command), ("Replay-Nonce", "  abc  "),
                                                  ("Link", "</a>;rel=\"up\""), ("Link", "</b>;rel=\"index\"")])

    def at_missing(self, body):
        self.reply(404, b"no " + self.path.encode())

    def at_count(self, body):
        self.reply(200, str(self.server.connections).encode())

    def at_redirect(self, body):
        self.reply(302, b"moved", [("Location", "/ok")])

    def at_huge(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 21))
        self.end_headers()
        self.wfile.write(b"x" * (1 << 21))

    def at_full(self, body):
        self.reply(200, b"x" * (1 << 20))

    def at_endless(self, body):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.raw(b"1000\r\n" + b"y" * 0x1000 + b"\r\n")

    def at_drip(self, body):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            self.raw(b"z")
            time.sleep(0.02)

    def at_headers(self, body):
        self.raw(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"h" * 1000) for i in range(100)))
        self.raw(b"Content-Length: 0\r\n\r\n")

    def at_interim(self, body):
        self.raw(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                 b"HTTP/1.1 200 OK\r\nX-Late: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
                 b"2\r\nhi\r\n0\r\nX-Trailer: 3\r\n\r\n")

    def at_interims(self, body):
        while True:
            self.raw(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" * 64)

    def at_close(self, body):
        self.close_connection = True

    def at_lose(self, body):
        self.server.lost += 1
        self.close_connection = True

    def at_lost(self, body):
        self.reply(200, str(self.server.lost).encode())

    def at_short(self, body):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        self.close_connection = True

    def at_garbage(self, body):
        self.raw(b"220 mail.example ESMTP\r\n\r\n")
        self.close_connection = True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, pem):
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0
        self.lost = 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(pem)

    def finish_request(self, request, client_address):
        self.connections += 1
        with self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)

    def handle_error(self, request, client_address):
        pass  # broken connections are what the tests are about


def main():
    folder = tempfile.mkdtemp(prefix="perdure-http-")
    try:
        ca = make_ca("test CA")
        write_cert(folder, "ca.pem", ca[1])
        write_cert(folder, "other-ca.pem", make_ca("another CA")[1])
        good = Server(make_leaf(folder, "leaf.pem", ca, NOW + DAY))
        expired = Server(make_leaf(folder, "expired.pem", ca, NOW - DAY))
        for server in (good, expired):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        print(good.server_address[1], expired.server_address[1], folder, flush=True)
        sys.stdin.read()
    finally:
        shutil.rmtree(folder)


main()
