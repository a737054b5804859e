"""
The servers and the program under test, as objects. Standard library and command line tools only: tools/demo.py uses this too.

    with Stage() as stage:                      # a temporary folder; ends every process and removes the folder
        knot = Knot(stage, zones_named(47))     # authoritative server: bench.test and w01.bench.test ... w47.bench.test
        ca = Pebble(stage, dns=knot.address)    # ACME CA that asks Knot
        p = Perdure(stage, p_config(ca, knot, names))
        done = p.run("renew", "--json")         # .rc .out .err .json() .lines()

In pytest the fixtures of conftest.py make them. All servers listen on free ports of 127.0.0.1. Nothing here sleeps without a
deadline, and no process outlives its Stage.
"""
import atexit
import base64
import collections
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ISSUER = "ca.test"


class HarnessError(Exception):
    """A server or tool did not do what the test set-up needs."""


def free_port():
    """A port of 127.0.0.1 free for TCP and UDP, below the range outgoing connections take theirs from."""
    for _ in range(200):
        port = random.randrange(15000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            try:
                t.bind(("127.0.0.1", port))
                u.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise HarnessError("no free port")


def wait_until(what, seconds, test):
    """Calls test() until it is true and returns that value; HarnessError naming `what` after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise HarnessError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def write(path, text, mode=0o644):
    """Writes a file, replacing it at once."""
    tmp = path + ".tmp"
    fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(tmp, path)
    return path


def read(path):
    """A file's text; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Stage:
    """A temporary folder and the processes that live in it. Use with `with`; close() may be called twice."""

    def __init__(self, keep=False):
        self.keep = keep
        self.dir = tempfile.mkdtemp(prefix="perdure-")
        self.processes = []
        self.closers = []  # called before the processes are ended
        self.lock = threading.Lock()
        self.counter = 0
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def folder(self, name):
        """A new folder of the stage."""
        with self.lock:
            self.counter += 1
            path = os.path.join(self.dir, f"{name}-{self.counter}")
        os.mkdir(path, 0o700)
        return path

    def spawn(self, argv, log, env=None, **kw):
        """Starts a process in a process group of its own, its output appended to the file `log`."""
        with open(log, "ab") as out:
            p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                                 env={**os.environ, **(env or {})}, **kw)
        with self.lock:
            self.processes.append(p)
        return p

    @staticmethod
    def end(p, grace=3.0):
        """Ends a process and its group: TERM, then KILL. Harmless when it is gone."""
        for sig, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10)):
            if p.poll() is None:
                try:
                    os.killpg(p.pid, sig)
                except ProcessLookupError:
                    pass
            try:
                p.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(p.pid, signal.SIGKILL)  # children it left behind
        except (ProcessLookupError, PermissionError):
            pass

    def close(self):
        """Ends all processes, last started first, and removes the folder."""
        while self.closers:
            self.closers.pop()()
        with self.lock:
            processes, self.processes = self.processes, []
        for p in reversed(processes):
            self.end(p)
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)
        atexit.unregister(self.close)


def tool(*argv, stdin=None, timeout=60):
    """Runs a command line tool and returns its standard output; HarnessError when it fails."""
    try:
        p = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise HarnessError(f"{argv[0]}: not done after {timeout} s") from None
    if p.returncode:
        raise HarnessError(f"{' '.join(argv)}: status {p.returncode}: {p.stdout}{p.stderr}")
    return p.stdout


# --- Pebble ---------------------------------------------------------------------------------------------------------------


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


# --- perdure-testca -------------------------------------------------------------------------------------------------------


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


# --- Knot -----------------------------------------------------------------------------------------------------------------


def zones_named(n, parent="bench.test"):
    """w01.bench.test ... as many as asked for."""
    width = max(2, len(str(n)))
    return [f"w{i:0{width}d}.{parent}" for i in range(1, n + 1)]


def dns_query(port, name, rrtype, timeout=2.0, server="127.0.0.1"):
    """One question over UDP: (rcode, aa, number of answers, whole message)."""
    number = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16}[rrtype]
    ident = random.randrange(65536)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.rstrip(".").split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((server, port))
        s.send(struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 0) + labels + struct.pack(">HH", number, 1))
        answer = s.recv(65535)
    got, flags, _, count = struct.unpack(">HHHH", answer[:8])
    if got != ident:
        raise HarnessError("a DNS answer to another question")
    return flags & 15, bool(flags & 0x400), count, answer


class Knot:
    """
    An authoritative DNS server with a zone for each name of `zones`, and the parent zone `parent` that delegates them to itself.
    Dynamic updates are taken with the TSIG key .tsig_name / .tsig_secret until disable_updates().

    records   more zone lines, by zone: {"w01.bench.test": ["www 60 A 127.0.0.1"]}
    port      where to listen, when somebody knows already; else a free one

    Attributes: port, address ("127.0.0.1:port", for Pebble), zones, tsig_file (knsupdate's and perdure's format).
    """

    def __init__(self, stage, zones, parent="bench.test", records=None, port=0):
        self.stage = stage
        self.parent = parent
        self.zones = list(zones)
        self.records = records or {}
        self.folder = stage.folder("knot")
        self.log = os.path.join(self.folder, "log")
        self.conf = os.path.join(self.folder, "knot.conf")
        self.socket = os.path.join(self.folder, "ctl")
        self.tsig_name, self.tsig_secret = "perdure-test", base64.b64encode(os.urandom(32)).decode()
        self.tsig_file = write(os.path.join(self.folder, "update.tsig"), f"hmac-sha256:{self.tsig_name}:{self.tsig_secret}\n", 0o600)
        self.updates_on = True
        self._counted = collections.Counter()
        self.process = None
        self.port = port
        os.mkdir(os.path.join(self.folder, "zones"))
        for zone in self._all():
            self._zone_file(zone)
        self.start()

    def _all(self):
        return ([self.parent] if self.parent else []) + self.zones

    def _zone_file(self, zone):
        ns = f"ns.{zone}."
        lines = [f"{zone}. 3600 SOA {ns} hostmaster.{zone}. 1 3600 600 86400 5", f"{zone}. 3600 NS {ns}", f"{ns} 3600 A 127.0.0.1"]
        if zone == self.parent:
            for child in self.zones:
                if child.endswith("." + zone):
                    lines += [f"{child}. 3600 NS ns.{child}.", f"ns.{child}. 3600 A 127.0.0.1"]
        lines += [f"$ORIGIN {zone}."] + list(self.records.get(zone, []))
        write(os.path.join(self.folder, "zones", zone + ".zone"), "\n".join(lines) + "\n")

    def _configure(self):
        # Knot's TCP backlog is short and Pebble asks three times at once, over TCP: a socket for each of several workers.
        text = f"""
server:
  rundir: "{self.folder}"
  listen: "127.0.0.1@{self.port}"
  udp-workers: 1
  tcp-workers: 4
  background-workers: 1
  tcp-reuseport: on
  tcp-max-clients: 400
  tcp-idle-timeout: 5
  tcp-io-timeout: 2000
control:
  listen: "{self.socket}"
log:
  - target: stdout
    any: info
database:
  storage: "{self.folder}/db"
  journal-db-max-size: 200M
mod-stats:
  - id: count
    server-operation: on
"""
        if self.updates_on:
            text += f"""
key:
  - id: {self.tsig_name}
    algorithm: hmac-sha256
    secret: "{self.tsig_secret}"
acl:
  - id: update
    key: {self.tsig_name}
    action: [update, transfer]
"""
        text += f"""
template:
  - id: default
    storage: "{self.folder}/zones"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
    module: mod-stats/count
""" + ("    acl: update\n" if self.updates_on else "")
        text += "zone:\n" + "".join(f"  - domain: {zone}\n" for zone in self._all())
        write(self.conf, text, 0o600)

    def start(self):
        """Starts it and waits until it serves the last zone."""
        for _ in range(3):
            self.port = self.port or free_port()
            self.address = f"127.0.0.1:{self.port}"
            self._configure()
            self.process = self.stage.spawn(["/usr/sbin/knotd", "-c", self.conf], self.log)
            wait_until("Knot to serve its zones", 30, lambda: self.process.poll() is not None or self._serves())
            if self.process.poll() is None:
                return
            self.port = 0
        raise HarnessError("Knot does not start:\n" + read(self.log)[-2000:])

    def _serves(self):
        try:
            return all(dns_query(self.port, z, "SOA", 0.5)[:2] == (0, True) for z in (self._all()[0], self._all()[-1]))
        except OSError:
            return False

    def control(self, *words):
        """knotc: its output."""
        return tool("/usr/sbin/knotc", "-s", self.socket, "-t", "20", *words)

    def zone_of(self, owner):
        """The zone an owner name is in."""
        name = owner.rstrip(".").lower()
        fit = [z for z in self._all() if name == z or name.endswith("." + z)]
        if not fit:
            raise HarnessError(f"no zone for {owner}")
        return max(fit, key=len)

    def nsupdate(self, lines):
        """
        Dynamic updates signed with the TSIG key, one message per zone. A line is a record in zone file form (is added) or
        "del OWNER [TYPE]". HarnessError when the server refuses one.
        """
        by_zone = collections.defaultdict(list)
        for line in lines:
            command = line if line.startswith("del ") else "add " + line
            by_zone[self.zone_of(command.split()[1])].append(command)
        script = [f"server 127.0.0.1 {self.port}", "ttl 60"]
        for zone, commands in by_zone.items():
            script += [f"zone {zone}.", *commands, "send"]
        out = tool("knsupdate", "-k", self.tsig_file, stdin="\n".join(script) + "\n", timeout=300)
        if "failed" in out or "error" in out:
            raise HarnessError("knsupdate: " + out)

    def disable_updates(self):
        """Removes the key and the right to update from the server, for good."""
        self._counted = self.update_counts()  # a reload starts them anew
        self.updates_on = False
        self._configure()
        self.control("reload")

    def update_counts(self):
        """A Counter of UPDATE messages received per zone since the start, refused ones too."""
        stats = self.control("zone-stats", "--", "mod-stats.server-operation")
        found = re.findall(r"^\[(\S+)\.\] mod-stats\S*server-operation\[update\] = (\d+)", stats, re.M)
        return self._counted + collections.Counter({zone: int(n) for zone, n in found})

    def update_count(self):
        """UPDATE messages received by all zones."""
        return sum(self.update_counts().values())

    def serials(self):
        """zone -> SOA serial: unequal means written."""
        out = {}
        for line in self.control("zone-status", "--", "+serial").splitlines():
            m = re.match(r"\[(\S+)\.\].*serial: (\S+)", line)
            if m:
                out[m.group(1)] = m.group(2)
        if set(out) != set(self._all()):
            raise HarnessError("zone-status shows other zones than ours")
        return out

    def stop(self):
        """Ends it; the stage would do so too."""
        self.stage.end(self.process)

    def stub(self):
        """This server as an entry of `dns: {stubs: ...}`."""
        return {"zone": self.parent or self.zones[0], "servers": ["127.0.0.1"], "port": self.port}


# --- perdure --------------------------------------------------------------------------------------------------------------


def perdure_path():
    """$PERDURE_BIN, else build/perdure."""
    path = os.path.abspath(os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure"))
    if not os.access(path, os.X_OK):
        raise HarnessError(f"no program at {path}: run make, or set PERDURE_BIN")
    return path


def plain_path():
    """The program without sanitizers, for tests that look at memory or speed: $PERDURE_PLAIN_BIN, else as perdure_path()."""
    return os.path.abspath(os.environ.get("PERDURE_PLAIN_BIN") or perdure_path())


def to_yaml(value, indent=0):
    """Dicts, lists, strings, numbers, booleans and None as YAML in block style; strings always quoted."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        out = ""
        for k, v in value.items():
            block = isinstance(v, (dict, list)) and v
            out += f"{pad}{k}:" + ("\n" + to_yaml(v, indent + 1) if block else " " + to_yaml(v) + "\n")
        return out
    if isinstance(value, list) and value:
        out = ""
        for v in value:
            if isinstance(v, (dict, list)) and v:
                out += f"{pad}-" + to_yaml(v, indent + 1)[len(pad) + 1:]
            else:
                out += f"{pad}- {to_yaml(v)}\n"
        return out
    return json.dumps(value, ensure_ascii=False)


class Done:
    """A finished run: rc, out, err (text), seconds, maxrss_kib and cpu (of the process)."""

    def __init__(self, argv, rc, out, err, seconds):
        self.argv, self.rc, self.out, self.err, self.seconds = argv, rc, out, err, seconds

    def json(self):
        """Standard output as one JSON value."""
        return json.loads(self.out)

    def lines(self):
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    def ok(self):
        """Itself, after making sure that the status was 0."""
        if self.rc != 0:
            raise HarnessError(str(self))
        return self

    def __str__(self):
        return f"{' '.join(self.argv)}\nstatus {self.rc} after {self.seconds:.2f} s\n--- out\n{self.out[-8000:]}\n--- err\n{self.err[-8000:]}"


class Perdure:
    """
    The program with a configuration and a state directory of its own.

    config   a dict (or YAML text); `state_dir` is added when it is missing
    binary   instead of $PERDURE_BIN or build/perdure

    Attributes: config_file, state_dir, folder (its home).
    """

    def __init__(self, stage, config, binary=None):
        self.stage = stage
        self.binary = binary or perdure_path()
        self.folder = stage.folder("perdure")
        self.state_dir = os.path.join(self.folder, "state")
        self.config_file = os.path.join(self.folder, "perdure.yaml")
        self.configure(config)

    def configure(self, config):
        """Writes another configuration."""
        if isinstance(config, dict):
            self.config = {"state_dir": self.state_dir, **config}
            config = to_yaml(self.config)
        write(self.config_file, config)

    def command(self, *args):
        """The argument vector of a run."""
        return [self.binary, "--config", self.config_file, *map(str, args)]

    def environment(self, env=None):
        """What the program sees: no variable of the user's but the sanitizers' and the path."""
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")}
        return {**keep, "HOME": self.folder, "LANG": "C.UTF-8", "TZ": "UTC", **(env or {})}

    def run(self, *args, env=None, input=None, timeout=120, wrap=(), check_sanitizer=True):
        """
        Runs `perdure --config FILE args...` to its end and returns a Done. Killed after `timeout` seconds (HarnessError).
        wrap: a command in front, such as ["strace", "-f"]. A sanitizer report is a HarnessError whatever the status.
        """
        argv = [*wrap, *self.command(*args)]
        start = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, cwd=self.folder,
                             env=self.environment(env))
        with self.stage.lock:
            self.stage.processes.append(p)
        try:
            out, err = p.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            raise HarnessError(f"killed after {timeout} s: {Done(argv, p.returncode, out, err, timeout)}") from None
        finally:
            Stage.end(p, 0)
            with self.stage.lock:
                if p in self.stage.processes:
                    self.stage.processes.remove(p)
        done = Done(argv, p.returncode, out, err, time.monotonic() - start)
        if check_sanitizer and re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error: ", err):
            raise HarnessError(f"sanitizer report: {done}")
        return done

    def start(self, *args, env=None, log=None, wrap=()):
        """Starts it and returns the Popen (end it with stage.end, or kill it); output goes to .folder/run.log."""
        return self.stage.spawn([*wrap, *self.command(*args)], log or os.path.join(self.folder, "run.log"),
                                env=self.environment(env), cwd=self.folder)

    def live(self, name, file):
        """The path of a file of a lineage: live("w01.bench.test", "fullchain.pem")."""
        return os.path.join(self.state_dir, "live", name, file)


def record_verdict(answer):
    """
    Of a line of `check --json`: the verdict on the records alone, whatever CAA or DNSSEC make of the name. The whole verdict may be
    worse, never better.
    """
    whole, record = answer["verdict"], answer["record_verdict"]
    if record != whole and whole == "accepted":
        raise HarnessError(f"accepted although the records are not: {answer}")
    return record


def p_config(ca, knot, names, ca_options=None, **more):
    """A configuration: one CA, Knot as stub, and a certificate {name, *.name} for each name."""
    entry = ca.config_entry(**(ca_options or {}))
    return {
        "cas": [entry],
        "dns": {"stubs": [knot.stub()]},
        "defaults": {"ca": [entry["name"]]},
        "certificates": [{"name": n, "names": [n, "*." + n]} for n in names],
        **more,
    }


def set_up_account(p, ca_name=None):
    """Registers the account at a CA: the first of the configuration when none is named."""
    ca_name = ca_name or p.config["cas"][0]["name"]
    return p.run("account", "register", "--ca", ca_name, "--agree-tos").ok()


def publish_records(p, knot):
    """Publishes every line of `record show`; returns the lines."""
    lines = [line for line in p.run("record", "show", "--all", "--format", "zone").ok().out.splitlines()
             if line.strip() and not line.startswith(";")]
    if lines:
        knot.nsupdate(lines)
    return lines


def verify_chain(p, name, roots, names):
    """Checks live/NAME with openssl: key and certificate match, chain verifies up to `roots`, exactly these SANs."""
    cert, chain, key = (p.live(name, f) for f in ("cert.pem", "chain.pem", "privkey.pem"))
    tool("openssl", "verify", "-CAfile", roots, "-untrusted", chain, cert)
    if tool("openssl", "x509", "-in", cert, "-noout", "-pubkey") != tool("openssl", "pkey", "-in", key, "-pubout"):
        raise HarnessError(f"{name}: the key is not the certificate's")
    text = tool("openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName")
    found = sorted(re.findall(r"DNS:([^\s,]+)", text))
    if found != sorted(names):
        raise HarnessError(f"{name}: names in the certificate are {found}, asked for {sorted(names)}")
    return tool("openssl", "x509", "-in", cert, "-noout", "-serial").strip().partition("=")[2]
