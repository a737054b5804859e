"""The CAs: Pebble, and perdure-testca."""
import base64
import collections
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

from harness_stage import ROOT, HarnessError, free_port, read, tool, wait_until, write

ISSUER = "ca.test"


# --- Pebble ------------------------------------------------------------------------------------------------------------


def pebble_path():
    """$PEBBLE, else the one tools/bootstrap.sh built."""
    path = os.environ.get("PEBBLE") or os.path.join(ROOT, "build/tools/bin/pebble")
    if not os.access(path, os.X_OK):
        raise HarnessError(f"no Pebble at {path}: run tools/bootstrap.sh demo, or set PEBBLE")
    return path


class Pebble:
    """
    An ACME CA. What it knows is in memory: a restart forgets accounts and orders (new account URL, records must be rewritten).

    dns            "host:port" it asks for TXT records (over TCP)
    issuers        its issuer domain names, as challenges list them
    retry_after    seconds in Retry-After of pending authorizations and orders; 0 sends none, None is Pebble's default (3 and 5)
    nonce_reject   percent of good nonces refused (Pebble's own default is 5)
    authz_reuse    percent of valid authorizations used again (Pebble's default is 50; 0 still is about 1)
    va_sleep       True: validations wait up to 4 s at random, as Pebble does by default
    eab            True: accounts need external account binding; .eab_kid and .eab_key (base64url) hold what it accepts
    alternates     how many alternate roots, that is alternate chains
    blocked        domains it refuses in newOrder
    binary         another Pebble, for example the level 00 one
    watchdog       True: restarts it when it hangs (it has lock bugs), counted in .hangs

    Attributes: dir_url, mgmt_url, ca_bundle (PEM of its HTTPS certificate), hangs.
    """

    def __init__(self, stage, dns, issuers=(ISSUER,), retry_after=0, nonce_reject=5, authz_reuse=0, va_sleep=False, eab=False,
                 alternates=0, blocked=("blocked-domain.example",), binary=None, watchdog=False, profiles=None):
        self.stage = stage
        self.binary = binary or pebble_path()
        self.folder = stage.folder("pebble")
        self.log = os.path.join(self.folder, "log")
        self.ca_bundle, self.key = self._tls()
        self.eab_kid, self.eab_key = "kid-1", base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        self.env = {
            "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
            "PEBBLE_AUTHZREUSE": str(authz_reuse),
            "PEBBLE_ALTERNATE_ROOTS": str(alternates),
        }
        if not va_sleep:
            self.env["PEBBLE_VA_NOSLEEP"] = "1"
        self.dns = dns
        self.config = {
            "certificate": self.ca_bundle,
            "privateKey": self.key,
            "httpPort": 5002,
            "tlsPort": 5001,
            "keyAlgorithm": "ecdsa",
            "caaIdentities": list(issuers),
            "domainBlocklist": list(blocked),
            "retryAfter": {"authz": 3 if retry_after is None else retry_after, "order": 5 if retry_after is None else retry_after},
            "externalAccountBindingRequired": eab,
            "externalAccountMACKeys": {self.eab_kid: self.eab_key} if eab else {},
            "profiles": profiles or {
                "default": {"description": "90 days", "validityPeriod": 7776000},
                "shortlived": {"description": "6 days", "validityPeriod": 518400},
                "tiny": {"description": "10 minutes", "validityPeriod": 600},
            },
        }
        self.process = None
        self.hangs = 0
        self._stopped, self._restarting = threading.Event(), threading.Lock()
        self._ports()
        self.start()
        if watchdog:
            stage.closers.append(self.stop)
            threading.Thread(target=self._watch, daemon=True).start()

    def _tls(self):
        cert, key = os.path.join(self.folder, "tls.pem"), os.path.join(self.folder, "tls.key")
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
             "-subj", "/CN=perdure test", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert)
        return cert, key

    def _ports(self):
        acme, mgmt = free_port(), free_port()
        self.config["listenAddress"], self.config["managementListenAddress"] = f"127.0.0.1:{acme}", f"127.0.0.1:{mgmt}"
        self.dir_url, self.mgmt_url = f"https://localhost:{acme}/dir", f"https://localhost:{mgmt}"

    def start(self):
        """Starts it and waits until it answers; other ports are taken if somebody else was quicker."""
        for _ in range(3):
            config = write(os.path.join(self.folder, "pebble.json"), json.dumps({"pebble": self.config}, indent=1))
            self.process = self.stage.spawn([self.binary, "-strict", "-dnsserver", self.dns, "-config", config], self.log,
                                            env=self.env)
            wait_until("Pebble to answer", 20, lambda: self.process.poll() is not None or self.alive(1))
            if self.process.poll() is None:
                return
            if "address already in use" not in read(self.log):
                break
            self._ports()
        raise HarnessError("Pebble does not start:\n" + read(self.log)[-2000:])

    def get(self, url, timeout=5):
        """GET over HTTPS, its certificate checked; the body as bytes."""
        context = ssl.create_default_context(cafile=self.ca_bundle)
        request = urllib.request.Request(url, headers={"User-Agent": "perdure-harness"})
        with urllib.request.urlopen(request, timeout=timeout, context=context) as r:
            return r.read()

    def alive(self, timeout=5):
        """Whether it answers a question that needs its database lock."""
        try:
            self.get(self.mgmt_url + "/cert-status-by-serial/0", timeout)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def restart(self):
        """Stops it (hung or not) and starts it on the same ports, with an empty memory."""
        self.stage.end(self.process, grace=0.5)
        self.start()

    def _watch(self):
        while not self._stopped.wait(2):
            if not self.alive(8) and not self._stopped.is_set():
                with self._restarting:
                    if not self._stopped.is_set():
                        self.hangs += 1
                        self.restart()

    def stop(self):
        """Ends it; the stage would do so too."""
        self._stopped.set()
        with self._restarting:
            self.stage.end(self.process, grace=0.5)

    def log_requests(self):
        """A Counter of ACME requests by their path's first part: dir, nonce-plz, sign-me-up, order-plz, my-order, authZ, chalZ,
        finalize-order, certZ, ..."""
        found = re.findall(r"(?:GET|HEAD|POST) /([-A-Za-z]+)/?\S* -> calling handler", read(self.log))
        return collections.Counter(f for f in found if f not in ("roots", "root-keys", "intermediates", "cert-status-by-serial"))

    def request_count(self):
        """All ACME requests so far."""
        return sum(self.log_requests().values())

    def roots(self, path=None):
        """Writes the PEM of the root certificates (the alternates' too) into a file and returns its path."""
        pem = b"".join(self.get(f"{self.mgmt_url}/roots/{i}") for i in range(1 + int(self.env["PEBBLE_ALTERNATE_ROOTS"])))
        return write(path or os.path.join(self.folder, "roots.pem"), pem.decode())

    def config_entry(self, name="pebble", **more):
        """This CA as an entry of `cas:`; one order at a time, as Pebble needs."""
        entry = {"name": name, "directory": self.dir_url, "ca_bundle": self.ca_bundle, "max_orders": 1}
        return {**entry, **more}


# --- perdure-testca ----------------------------------------------------------------------------------------------------


def testca_path():
    """$TESTCA, else perdure-testca beside $PERDURE_BIN, else build/perdure-testca."""
    beside = os.path.dirname(os.path.abspath(os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure")))
    path = os.environ.get("TESTCA") or os.path.join(beside, "perdure-testca")
    if not os.access(path, os.X_OK):
        raise HarnessError(f"no perdure-testca at {path}: run make, or set TESTCA")
    return path


class TestCA:
    """
    The CA in a box (docs/testca.md): every level of the draft, any number of orders at once, faults by name.

    dns        "host:port" it asks, usually Knot's .address; None lets every validation pass
    level      "00", "01" or "02"
    issuers    its issuer domain names
    faults     rules to begin with, as dicts: {"fault": "badnonce", "percent": 50}
    eab        True: accounts need external account binding; .eab_kid and .eab_key (base64url) hold what it accepts
    options    further options without the dashes: jit=True, authz_delay=50, profiles="short=600,long=7776000"

    Attributes: dir_url, ca_bundle, roots_file, control (path of its socket), log (file of JSON lines), process.
    """

    __test__ = False  # not a class of tests

    def __init__(self, stage, dns=None, level="01", issuers=(ISSUER,), faults=(), eab=False, **options):
        self.stage = stage
        self.level = level
        self.folder = stage.folder("testca")
        self.log = os.path.join(self.folder, "requests.jsonl")
        self.stderr = os.path.join(self.folder, "stderr")
        self.eab_kid, self.eab_key = "kid-1", base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        argv = [testca_path(), "--listen", "127.0.0.1:0", "--dir", self.folder, "--level", level, "--log", self.log]
        argv += ["--dns", dns] if dns else ["--always-valid"]
        for name in issuers:
            argv += ["--issuer", name]
        for rule in faults:
            argv += ["--fault", json.dumps(rule)]
        if eab:
            argv += ["--eab", write(os.path.join(self.folder, "eab"), f"{self.eab_kid} {self.eab_key}\n", 0o600)]
        for name, value in options.items():
            if value is not False:
                argv += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        self.argv = argv
        self.process = None
        self.start()

    def start(self):
        """Starts it and waits for its line. What an earlier one knew is forgotten."""
        out = os.path.join(self.folder, "stdout")
        with open(out, "wb") as f, open(self.stderr, "ab") as err:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=f, stderr=err, start_new_session=True)
        with self.stage.lock:
            self.stage.processes.append(self.process)
        wait_until("perdure-testca to be ready", 20, lambda: self.process.poll() is not None or read(out).endswith("\n"))
        if self.process.poll() is not None:
            raise HarnessError("perdure-testca does not start:\n" + read(self.stderr)[-2000:])
        ready = json.loads(read(out))
        self.dir_url, self.ca_bundle, self.roots_file = ready["directory"], ready["ca_bundle"], ready["roots"]
        self.control, self.port = ready["control"], ready["port"]

    def command(self, cmd, **more):
        """One command over the control socket; the answer. HarnessError when it is refused."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(20)
            s.connect(self.control)
            s.sendall(json.dumps({"cmd": cmd, **more}).encode() + b"\n")
            with s.makefile("rb") as f:
                answer = json.loads(f.readline())
        if not answer["ok"]:
            raise HarnessError(f"perdure-testca: {cmd} {more}: {answer['error']}")
        return answer

    def fault(self, name, **more):
        """Adds a fault rule; its number: fault("status", endpoint="newOrder", status=503, retry_after="5", count=2)."""
        return self.command("fault", fault=name, **more)["id"]

    def hits(self, rule):
        """How often the rule of this number has struck."""
        return next(f["hits"] for f in self.command("faults")["faults"] if f["id"] == rule)

    def clear(self, rule=0):
        """Removes a fault rule, or all."""
        self.command("clear", id=rule)

    def counters(self):
        """Requests, by endpoint and status; accounts, orders, certificates, validations, connections."""
        return self.command("counters")

    def log_requests(self):
        """A Counter of requests by endpoint: newOrder, authz, challenge, ..."""
        return collections.Counter(self.counters()["by_endpoint"])

    def request_count(self):
        """All ACME requests so far."""
        return sum(self.log_requests().values())

    def requests(self):
        """The request log: dicts with endpoint, method, path, status, us, fault."""
        return [json.loads(line) for line in read(self.log).splitlines()]

    def certificates(self, n=0):
        """The certificates issued: dicts with serial, ari, names, order, not_before, not_after, replaced (and revoked, reason)."""
        return self.command("certificates", n=n)["certificates"]

    def orders(self, n=0):
        """The orders: dicts with id, status, finalized, names, replaces, serial."""
        return self.command("orders", n=n)["orders"]

    def stop(self):
        """Ends it; the stage would do so too. HarnessError when a sanitizer had something to say."""
        self.stage.end(self.process)
        if re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error: ", read(self.stderr)):
            raise HarnessError("perdure-testca: " + read(self.stderr)[-4000:])

    def roots(self, path=None):
        """The file with the PEM of the root certificates; a copy when a path is given."""
        return write(path, read(self.roots_file)) if path else self.roots_file

    def config_entry(self, name="testca", **more):
        """This CA as an entry of `cas:`."""
        return {"name": name, "directory": self.dir_url, "ca_bundle": self.ca_bundle, "max_orders": 16, **more}
