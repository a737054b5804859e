"""
What the end-to-end tests share: a fleet over several CAs, what a CA's log tells of orders and certificates, and what must hold of
a state directory at rest.
"""
import concurrent.futures
import contextlib
import fcntl
import os
import re
import shutil
import sqlite3
import subprocess
import threading

import pytest

import harness
from harness import HarnessError, Knot, Pebble, Perdure, publish_records, read, set_up_account, tool, verify_chain, zones_named

FILES = {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem", "combined.pem"}
SECRET = {"privkey.pem", "combined.pem"}


def plain_path():
    """The program without sanitizers, for strace and faketime: beside $PERDURE_PLAIN_BIN, else the ordinary build."""
    for path in (os.environ.get("PERDURE_PLAIN_BIN"), os.path.join(harness.ROOT, "build/perdure"),
                 os.path.join(harness.ROOT, "build-test/perdure")):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise HarnessError("no program without sanitizers: run make, or set PERDURE_PLAIN_BIN")


def faults_path():
    """A program with the fault points compiled in; built when it is missing or older than the sources."""
    folder = os.path.join(harness.ROOT, "build-faults")
    with open(folder + ".lock", "w", encoding="utf-8") as lock:  # other workers build it, too
        fcntl.flock(lock, fcntl.LOCK_EX)
        build_faults(folder)
    return os.path.join(folder, "perdure")


def build_faults(folder):
    subprocess.run([os.path.join(harness.ROOT, "tools/configure.sh"), folder, "-Dfaults=true"], cwd=harness.ROOT, check=True, timeout=120)
    tool("ninja", "-C", folder, "perdure", timeout=600)


def need_faketime():
    if not shutil.which("faketime"):
        pytest.skip("NO CLOCK TEST: faketime is not installed")


def at_time(offset):
    """(wrap, env) for Perdure.run: the wall clock shifted ("+6m", "-3y"), timers as they are."""
    return {"wrap": ["faketime", "-f", offset], "env": {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}}


class Fleet:
    """
    n wildcard certificates over n_cas Pebbles (certificate i at CA i modulo n_cas), accounts registered, records published.

    certificates   what a certificate has beyond name and names: {index: {"key": "rsa2048"}}
    zones          the domains instead of w01.bench.test ...

    Attributes: names, cas, knot, p.
    """

    def __init__(self, stage, n, n_cas=1, binary=None, certificates=None, zones=None, config=None, records=True, ca_binary=None,
                 **pebble):
        self.names = zones or zones_named(n)
        self.knot = Knot(stage, self.names)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.cas = list(pool.map(lambda _: Pebble(stage, self.knot.address, binary=ca_binary, **pebble), range(n_cas)))
        more = certificates or {}
        entries = [{"name": name, "names": [name, "*." + name], "ca": f"ca{i % n_cas}", **more.get(i, {})}
                   for i, name in enumerate(self.names)]
        self.p = Perdure(stage, {
            "cas": [ca.config_entry(name=f"ca{i}") for i, ca in enumerate(self.cas)],
            "dns": {"stubs": [self.knot.stub()]},
            "archive": {"keep": 1000},
            "certificates": entries,
            **(config or {}),
        }, binary=binary)
        for i in range(n_cas):
            set_up_account(self.p, f"ca{i}")
        if records:
            publish_records(self.p, self.knot)

    def ca_of(self, name):
        return self.cas[self.names.index(name) % len(self.cas)]

    def change(self, **more):
        """Another configuration: top-level keys replaced."""
        self.p.configure({**self.p.config, **more})

    def verify(self, names=None):
        """openssl's word on every certificate of the wildcard kind; serial numbers by name."""
        roots = {id(ca): ca.roots() for ca in self.cas}
        return {name: verify_chain(self.p, name, roots[id(self.ca_of(name))], [name, "*." + name]) for name in names or self.names}

    def issued(self):
        """The serial numbers of all certificates that the CAs issued."""
        return sorted(serial for ca in self.cas for serial in issued_serials(ca))

    def issued_since(self, n):
        """Those that one CA (there is only one) issued after its first n."""
        return issued_serials(self.cas[0])[n:]

    def orders(self):
        return sum(order_count(ca) for ca in self.cas)


def issued_serials(ca):
    """Serial numbers that Pebble issued, without leading zeros, upper case."""
    return [s.upper().lstrip("0") for s in re.findall(r"Issued certificate serial ([0-9a-f]+) for order", read(ca.log))]


def order_count(ca):
    return len(re.findall(r'Added order "', read(ca.log)))


def results(done):
    """The results of a `renew --json`, by certificate."""
    return {line["certificate"]: line["result"] for line in done.lines() if "certificate" in line}


def summary(done):
    return [line["summary"] for line in done.lines() if "summary" in line][0]


def snapshot(folder):
    """Every path below a folder with its mode and content (links: where to); what must not change can be compared."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            if os.path.islink(path):
                found[path] = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as f:
                    found[path] = (os.stat(path).st_mode, f.read())
    # The database's shared memory and log are made by readers too.
    return {path: v for path, v in found.items() if not path.endswith(("-shm", "-wal", "/lock"))}


def serial_of(path):
    return tool("openssl", "x509", "-in", path, "-noout", "-serial").strip().partition("=")[2].lstrip("0")


def public_key(path):
    return tool("openssl", "pkey", "-in", path, "-pubout")


def cert_public_key(path):
    return tool("openssl", "x509", "-in", path, "-noout", "-pubkey")


def cert_text(path):
    return tool("openssl", "x509", "-in", path, "-noout", "-text")


def rows(p, query):
    """Rows of the state's database, read beside the program."""
    db = sqlite3.connect(f"file:{p.state_dir}/perdure.db?mode=ro", uri=True, timeout=10)
    with contextlib.closing(db):
        return db.execute(query).fetchall()


def archived(p):
    """Serial numbers of every generation of every lineage; each generation is checked: files, modes, key and certificate match."""
    found = []
    known = p.__dict__.setdefault("generations_checked", {})  # a generation never changes
    archive = os.path.join(p.state_dir, "archive")
    for name in sorted(os.listdir(archive)) if os.path.isdir(archive) else []:
        for generation in sorted(os.listdir(os.path.join(archive, name))):
            folder = os.path.join(archive, name, generation)
            assert generation.isdigit(), f"left behind: {folder}"
            assert set(os.listdir(folder)) == FILES, f"{folder}: {os.listdir(folder)}"
            mark = (folder, os.stat(folder).st_mtime_ns)
            if mark not in known:
                known[mark] = check_generation(folder)
            found.append(known[mark])
    return sorted(found)


def check_generation(folder):
    """Checks one generation's files; its serial number."""
    for file in FILES:
        info = os.stat(os.path.join(folder, file))
        assert info.st_size > 0, f"{folder}/{file} is empty"
        if file in SECRET:
            assert info.st_mode & 0o7777 == 0o600, f"{folder}/{file} has the mode {info.st_mode & 0o7777:o}"
    key, cert = os.path.join(folder, "privkey.pem"), os.path.join(folder, "cert.pem")
    assert public_key(key) == cert_public_key(cert), f"{folder}: key and certificate do not match"
    whole = read(os.path.join(folder, "fullchain.pem"))
    assert whole == read(cert) + read(os.path.join(folder, "chain.pem"))
    assert read(os.path.join(folder, "combined.pem")).replace(read(key), "").strip() == whole.strip()
    return serial_of(cert)


def check_rest(p, names):
    """The state directory at rest, every certificate issued: nothing in work, nothing partial, nothing left behind."""
    assert rows(p, "SELECT cert, state FROM work") == []
    top = set(os.listdir(p.state_dir)) - {"perdure.db-wal", "perdure.db-shm", "events", "events.key"}
    assert top == {"lock", "perdure.db", "live", "archive", "accounts"}, top
    live = os.path.join(p.state_dir, "live")
    assert sorted(os.listdir(live)) == sorted(names)
    assert sorted(os.listdir(os.path.join(p.state_dir, "archive"))) == sorted(names)
    for name in names:
        newest = max(int(n) for n in os.listdir(os.path.join(p.state_dir, "archive", name)))
        assert os.readlink(os.path.join(live, name)) == f"../archive/{name}/{newest}"
    for ca in os.listdir(os.path.join(p.state_dir, "accounts")):
        folder = os.path.join(p.state_dir, "accounts", ca)
        assert os.listdir(folder) == ["key.pem"]
        assert os.stat(os.path.join(folder, "key.pem")).st_mode & 0o7777 == 0o600
    assert os.stat(os.path.join(p.state_dir, "perdure.db")).st_mode & 0o077 == 0


def live_pair(p, name):
    """(public key of the key, of the certificate) as a reader sees them: the folder is opened once, as a careful reader does."""
    folder = os.open(os.path.join(p.state_dir, "live", name), os.O_RDONLY | os.O_DIRECTORY)
    try:
        def get(file):
            fd = os.open(file, os.O_RDONLY, dir_fd=folder)
            with os.fdopen(fd, "rb") as f:
                return f.read()

        return get("privkey.pem"), get("cert.pem")
    finally:
        os.close(folder)


def pair_matches(key_pem, cert_pem):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(key_pem, None).public_key()
    return key.public_numbers() == x509.load_pem_x509_certificate(cert_pem).public_key().public_numbers()


class Observer:
    """Reads live/ again and again in a thread; .bad has what did not match, .seen the number of pairs, .different of them."""

    def __init__(self, p, names):
        self.p, self.names = p, names
        self.bad, self.seen = [], 0
        self.pairs = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.is_set():
            for name in self.names:
                try:
                    pair = live_pair(self.p, name)
                    if pair not in self.pairs:
                        self.pairs[pair] = pair_matches(*pair)
                    if not self.pairs[pair]:
                        self.bad.append(name)
                except Exception as e:  # pylint: disable=broad-except
                    self.bad.append(f"{name}: {e!r}")
                self.seen += 1
            self._stop.wait(0.001)
