"""
A double of the Kubernetes API server, as far as one Secret is applied: it checks each request against what the API's reference says of
"PATCH /api/v1/namespaces/{namespace}/secrets/{name}" with application/apply-patch+yaml (server-side apply), and keeps who manages the data.
It cannot show what a cluster decides by itself: roles (they are a switch here), admission, quotas, the merging of lists, TLS of a real control plane.
"""
import base64
import http.server
import json
import os
import re
import ssl
import threading
import urllib.parse

import harness

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
APPLY = "application/apply-patch+yaml"


class Kubernetes:
    """
    One API server on a free port. secrets: (namespace, name) -> {"type", "data", "manager"}; requests: what came, as dicts;
    wrong: what was not as the reference says (a test ends with none); refuse: (status, reason, message) to answer everything with.
    """

    def __init__(self, stage, token="secret-token", namespaces=("web",)):
        self.token, self.namespaces = token, set(namespaces)
        self.secrets, self.requests, self.wrong, self.refuse = {}, [], [], None
        folder = stage.folder("kubernetes")
        self.ca_file, key = os.path.join(folder, "ca.pem"), os.path.join(folder, "key.pem")
        harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                     "/CN=kubernetes", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", self.ca_file)
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PATCH(self):
                double.handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_PATCH

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        self.url = f"https://localhost:{server.server_port}"
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stage.closers.append(server.shutdown)

    def expect(self, good, what):
        if not good:
            self.wrong.append(what)

    @staticmethod
    def status(handler, code, reason, message):
        Kubernetes.answer(handler, code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
                                          "reason": reason, "code": code})

    @staticmethod
    def answer(handler, code, body):
        text = json.dumps(body).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def check(self, handler, path, query, body):
        """(namespace, name, object) of a request, everything noted that the reference does not allow."""
        m = re.fullmatch(r"/api/v1/namespaces/([^/]+)/secrets/([^/]+)", path)
        self.expect(handler.command == "PATCH" and m, f"{handler.command} {path}")
        self.expect(handler.headers.get("Content-Type") == APPLY, handler.headers.get("Content-Type"))
        self.expect(handler.headers.get("Accept") == "application/json", handler.headers.get("Accept"))
        self.expect(handler.headers.get("User-Agent", "").startswith("perdure/"), "no User-Agent")
        self.expect(set(query) == {"fieldManager", "force"} and query["fieldManager"] == ["perdure"], query)
        self.expect(query.get("force") in (["true"], ["false"]), query)
        o = json.loads(body)
        self.expect(set(o) == {"apiVersion", "kind", "metadata", "type", "data"}, sorted(o))
        self.expect((o["apiVersion"], o["kind"], o["type"]) == ("v1", "Secret", "kubernetes.io/tls"), o["type"])
        # With server-side apply the object says who it is, and nothing that the server manages.
        self.expect(o["metadata"] == {"name": m[2], "namespace": m[1]}, o["metadata"])
        self.expect(set(o["data"]) == {"tls.crt", "tls.key"}, sorted(o["data"]))
        for value in o["data"].values():
            base64.b64decode(value, validate=True)
        self.expect(NAME.fullmatch(m[2]) and len(m[2]) <= 253 and NAME.fullmatch(m[1]) and len(m[1]) <= 63, path)
        return m[1], m[2], o

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        path, _, query = handler.path.partition("?")
        query = urllib.parse.parse_qs(query)
        self.requests.append({"path": path, "query": query})
        try:
            space, name, o = self.check(handler, path, query, body)
        except Exception as e:
            self.wrong.append(repr(e))
            return self.status(handler, 400, "BadRequest", "not understood")
        if handler.headers.get("Authorization") != "Bearer " + self.token:
            return self.status(handler, 401, "Unauthorized", "Unauthorized")
        if self.refuse:
            return self.status(handler, *self.refuse)
        if space not in self.namespaces:
            return self.status(handler, 404, "NotFound", f'namespaces "{space}" not found')
        old = self.secrets.get((space, name))
        if old and old["type"] != o["type"]:
            return self.status(handler, 422, "Invalid", f'Secret "{name}" is invalid: type: Invalid value: field is immutable')
        if old and old["manager"] != "perdure" and old["data"] != o["data"] and query["force"] == ["false"]:
            return self.status(handler, 409, "Conflict", f'Apply failed with 1 conflict: conflict with "{old["manager"]}": .data.tls.crt')
        self.secrets[space, name] = {"type": o["type"], "data": o["data"], "manager": "perdure"}
        return self.answer(handler, 200 if old else 201, o)
