"""
What must hold of a state directory and its CA whenever a plain run has come to its end: the one checker of the scenarios and of the
sweeps of crashes and failing disks.
"""
import base64
import hashlib
import os
import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from e2e import FILES, SECRET, live_pair, pair_matches, rows


def within(n, wanted):
    """Whether a number is the one wanted, or between the two."""
    low, high = wanted if isinstance(wanted, (list, tuple)) else (wanted, wanted)
    return low <= n <= high


def at_any_moment(p, names):
    """Holds between any two steps: what live/ names is one complete generation with a matching pair. How many lineages are live."""
    live = 0
    for name in names:
        if os.path.lexists(os.path.join(p.state_dir, "live", name)):
            assert pair_matches(*live_pair(p, name)), f"{name}: the live key is not the live certificate's"
            live += 1
    return live


def generation(folder):
    """Checks the files of one generation; its serial number."""
    assert set(os.listdir(folder)) == FILES, f"{folder}: {sorted(os.listdir(folder))}"
    text = {}
    for file in FILES:
        path = os.path.join(folder, file)
        mode = os.stat(path).st_mode & 0o7777
        assert mode == 0o600 or file not in SECRET, f"{path}: mode {mode:o}"
        with open(path, "rb") as f:
            text[file] = f.read()
        assert text[file] or file == "chain.pem", f"{path} is empty"
    key = load_pem_private_key(text["privkey.pem"], None)
    cert = x509.load_pem_x509_certificate(text["cert.pem"])
    assert key.public_key().public_numbers() == cert.public_key().public_numbers(), f"{folder}: key and certificate do not match"
    assert text["fullchain.pem"] == text["cert.pem"] + text["chain.pem"], folder
    assert text["privkey.pem"].strip() in text["combined.pem"] and text["fullchain.pem"].strip() in text["combined.pem"], folder
    return f"{cert.serial_number:X}"


def archive(p):
    """lineage -> serial numbers of its generations, each of them checked once."""
    known = p.__dict__.setdefault("generations_known", {})  # a generation never changes
    top = os.path.join(p.state_dir, "archive")
    found = {}
    for name in sorted(os.listdir(top)) if os.path.isdir(top) else []:
        found[name] = []
        for n in sorted(os.listdir(os.path.join(top, name)), key=lambda s: (not s.isdigit(), int(s) if s.isdigit() else s)):
            folder = os.path.join(top, name, n)
            assert n.isdigit(), f"left behind: {folder}"
            mark = (folder, os.stat(folder).st_mtime_ns)
            if mark not in known:
                known[mark] = generation(folder)
            found[name].append(known[mark])
    return found


class Before:
    """What a state directory and its CA had at a moment, so that what came later can be told from it."""

    def __init__(self, p=None, ca=None):
        counters = ca.counters() if ca else {}
        self.orders, self.certificates = counters.get("orders", 0), counters.get("certificates", 0)
        self.serials = {serial for v in archive(p).values() for serial in v} if p else set()

    def made(self, ca):
        """(orders, certificates) made since."""
        counters = ca.counters()
        return counters["orders"] - self.orders, counters["certificates"] - self.certificates

    def issued(self, ca):
        """Serial numbers of the certificates issued since."""
        n = self.made(ca)[1]
        return sorted(c["serial"].upper().lstrip("0") for c in ca.certificates(n)) if n else []


def thumbprint(path):
    """RFC 7638, of a file with a P-256 key."""
    with open(path, "rb") as f:
        numbers = load_pem_private_key(f.read(), None).public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).decode().rstrip("=") for n in (numbers.x, numbers.y))
    text = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def one_key(p, ca):
    """The CA, the key file and the state agree which key the account has, and which it had; its thumbprints."""
    (account,) = ca.command("accounts")["accounts"]
    (folder,) = os.listdir(os.path.join(p.state_dir, "accounts"))
    known = rows(p, "SELECT thumbprints FROM account")[0][0].split()
    assert thumbprint(os.path.join(p.state_dir, "accounts", folder, "key.pem")) == account["thumbprint"] == known[0], "the account's key is lost"
    assert set(known[1:]) == set(account["old_thumbprints"]), "an earlier thumbprint is lost"
    return known


def at_rest(p, names, ca, refused=0, given_up=0, before=None):
    """
    Holds after a plain run that ended well: every lineage is live in its newest generation, nothing is in work, nothing temporary is
    left, keys are private, and what the CA issued is what the archive holds.

    refused    certificates of the CA that were rightly not installed
    given_up   orders at the CA that were rightly replaced by another before they were finalized
    before     compare only what came after this moment
    The first two are a number, or the least and the most.
    """
    work = rows(p, "SELECT cert, state FROM work")
    assert not work, f"orders left in work: {work}"
    # A database that was damaged is kept.
    top = {entry for entry in os.listdir(p.state_dir) if not entry.startswith("perdure.db.damaged-")}
    assert top <= {"lock", "perdure.db", "perdure.db-wal", "perdure.db-shm", "live", "archive", "accounts", "events", "events.key"}, f"left behind: {top}"
    assert sorted(os.listdir(os.path.join(p.state_dir, "live"))) == sorted(names)
    for base, _, files in os.walk(os.path.join(p.state_dir, "accounts")):
        for file in files:
            assert file == "key.pem", f"left behind: {base}/{file}"
            assert os.stat(os.path.join(base, file)).st_mode & 0o7777 == 0o600
    assert os.stat(os.path.join(p.state_dir, "perdure.db")).st_mode & 0o077 == 0
    have = archive(p)
    assert sorted(have) == sorted(names)
    for name in names:
        target = os.readlink(os.path.join(p.state_dir, "live", name))
        newest = max(int(n) for n in os.listdir(os.path.join(p.state_dir, "archive", name)))
        assert re.fullmatch(rf"\.\./archive/{re.escape(name)}/{newest}", target), f"{name} -> {target}, newest is {newest}"
    assert at_any_moment(p, names) == len(names)
    before = before or Before()
    ours, theirs = sorted({s for v in have.values() for s in v} - before.serials), before.issued(ca)
    assert len({s for v in have.values() for s in v}) == sum(map(len, have.values())), "a certificate is there twice"
    assert set(ours) <= set(theirs)
    assert within(len(theirs) - len(ours), refused), f"the CA issued {len(theirs)} certificates, {len(ours)} are here, {refused} refused"
    orders = before.made(ca)[0]
    assert within(orders - len(theirs), given_up), f"{orders} orders for {len(theirs)} certificates, {given_up} given up"
    return have
