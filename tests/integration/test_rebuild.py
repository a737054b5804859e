"""A damaged database: kept aside, the state made again from live/ and archive/ and the accounts' keys, nothing issued for it."""
import contextlib
import glob
import os
import random
import re
import shutil
import sqlite3
import subprocess

import invariants
import pytest
from e2e import faults_path
from harness import Perdure, Stage, TestCA, set_up_account, wait_until
from harness_perdure import perdure_path
from test_state_faults import fill

NAMES = ["one.test", "two.test", "three.test"]
NO_DNS = {"mode": "none"}


class World:
    """Three certificates, issued; every test begins with a copy of their state directory."""

    def __init__(self, stage):
        self.ca = TestCA(stage)
        self.p = Perdure(stage, {"cas": [self.ca.config_entry()], "dns": NO_DNS, "defaults": {"ca": [self.ca.config_entry()["name"]]},
                                 "certificates": [{"name": n, "names": [n, "*." + n], "deploy": [{"command": ["/usr/bin/tee", "-a", "deployed"]}]} for n in NAMES]})
        set_up_account(self.p)
        self.p.run("renew").ok()
        self.origin = self.p.state_dir + ".origin"
        self.db = os.path.join(self.p.state_dir, "perdure.db")
        shutil.copytree(self.p.state_dir, self.origin, symlinks=True)
        self.status = self.shown()

    def anew(self):
        shutil.rmtree(self.p.state_dir)
        shutil.copytree(self.origin, self.p.state_dir, symlinks=True)
        self.issued = self.ca.counters()["certificates"]

    def made(self):
        return self.ca.counters()["certificates"] - self.issued

    def shown(self):
        """What status says of each certificate and account list of the accounts, but for what begins anew."""
        fresh = ("window_start", "window_end", "window_ask_at", "renew_at", "validated_by")
        certs = [{k: v for k, v in line.items() if k not in fresh} for line in self.p.run("status", "--json").ok().lines()]
        for line in certs:
            line["deploys"] = [d["state"] for d in line["deploys"]]
        accounts = [{k: v for k, v in line.items() if k != "created"} for line in self.p.run("account", "list", "--json").ok().lines()]
        return certs, accounts

    def aside(self):
        return sorted(set(os.listdir(self.p.state_dir)) & {os.path.basename(f) for f in glob.glob(self.db + ".damaged-*")})

    def at_rest(self):
        """Live pairs match, every generation is whole, the account has its key."""
        assert invariants.at_any_moment(self.p, NAMES) == len(NAMES)
        invariants.archive(self.p)
        invariants.one_key(self.p, self.ca)


@pytest.fixture(scope="module")
def world():
    with Stage() as stage:
        yield World(stage)


def octets(path):
    with open(path, "rb") as f:
        return f.read()


def patch(path, at, what):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(what)


def root_of(path, table):
    """Where the first page of a table begins."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name=?", (table,)).fetchall()
        (size,) = db.execute("PRAGMA page_size").fetchone()
        return (page - 1) * size


def sql(path, text):
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema=1")
        db.executescript(text)


def log_without_database(path):
    os.unlink(path)
    shutil.copy(path.replace("perdure.db", "lock"), path + "-wal")
    patch(path + "-wal", 0, b"x" * 100)


DAMAGE = {
    "header overwritten": lambda path: patch(path, 0, b"\x5a" * 100),
    "a word in the header": lambda path: patch(path, 16, b"\x00\x03"),
    "cut in the middle": lambda path: os.truncate(path, os.path.getsize(path) // 2 // 4096 * 4096),
    "cut to an odd length": lambda path: os.truncate(path, 5000),
    "a page of zeros": lambda path: patch(path, root_of(path, "cert"), bytes(4096)),
    "a bit in a table": lambda path: patch(path, root_of(path, "cert"), b"\x4a"),
    "pages of noise": lambda path: patch(path, 4096, os.urandom(8192)),
    "no database at all": lambda path: patch(path, 0, b"#!/bin/sh\necho hello\n" * 400),
    "a table that is not there": lambda path: sql(path, "DROP TABLE cert"),
    "tables of another shape": lambda path: sql(path, "UPDATE sqlite_schema SET sql=replace(sql, 'not_after', 'not_aftes')"),
    "an older version in the header": lambda path: sql(path, "PRAGMA user_version=2"),
    "log without database": log_without_database,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage(world, kind):
    world.anew()
    p = world.p
    DAMAGE[kind](world.db)
    files = {part: octets(world.db + part) for part in ("", "-wal") if os.path.exists(world.db + part)}
    # Readers refuse and say what helps; nothing is touched.
    if "" in files:
        told = p.run("status")
        assert told.rc == 1 and "perdure renew" in told.err or told.rc == 0, str(told)
        told = p.run("doctor", "--offline")
        assert told.rc == 1 and "perdure renew" in told.out + told.err, str(told)
        assert octets(world.db) == files[""]
    done = p.run("renew").ok()
    (kept,) = [f for f in world.aside() if not f.endswith(("-wal", "-shm"))] or ["?"]
    if "" in files:
        assert re.fullmatch(r"perdure\.db\.damaged-\d{8}T\d{6}Z", kept) and kept in done.err, f"{world.aside()} {done}"
        assert octets(os.path.join(p.state_dir, kept)) == files[""]
    assert "made again from live/ and archive/" in done.err and "certificates: 3" in done.err and "accounts: 1" in done.err, str(done)
    assert world.made() == 0, f"issued anew: {done}"
    assert world.shown() == world.status
    event = p.run("events", "show", "--type", "state.rebuilt", "--json").ok().lines()[-1]
    assert event["count"] == 3 and "accounts: 1" in event["detail"] and event["error"] in done.err, event
    p.run("events", "verify").ok()
    again = p.run("renew").ok()
    assert again.err == "" and world.made() == 0, str(again)
    world.at_rest()


def stopped_order(world, name):
    """Leaves an order in work of a run that was killed while the CA finalized it, everything in the main file; its key."""
    p, ca = world.p, world.ca
    rule = ca.fault("hang", endpoint="finalize")
    run = p.start("renew", name, "--force-renewal")
    wait_until("the request to finalize", 30, lambda: ca.hits(rule))
    run.kill()
    run.wait()
    ca.clear()
    with contextlib.closing(sqlite3.connect(world.db)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((key,),) = db.execute("SELECT key_pem FROM work").fetchall()
    return key


def test_order_in_work(world):
    """It is taken over with its key; the CA sees no second one. What is deployed is not deployed again."""
    world.anew()
    p = world.p
    key = stopped_order(world, "one.test")
    orders = world.ca.counters()["orders"]
    patch(world.db, root_of(world.db, "cert"), bytes(4096))
    done = p.run("renew", "--json").ok()
    assert "orders in work: 1" in done.err and world.made() == 1 and world.ca.counters()["orders"] == orders, str(done)
    assert octets(p.live("one.test", "privkey.pem")) == key
    assert [line["certificate"] for line in done.lines() if "deploy" in line] == ["one.test"], str(done)
    # Once more, this time nothing of the order can be read: it is lost but for its key in the file that is kept.
    world.anew()
    key = stopped_order(world, "two.test")
    patch(world.db, root_of(world.db, "work"), b"\x4a")
    done = p.run("renew").ok()
    assert "orders in work: 0" in done.err and world.made() == 0, str(done)
    assert any(key in octets(os.path.join(p.state_dir, name)) for name in world.aside())
    # An order whose request is not what it was: the same.
    world.anew()
    stopped_order(world, "two.test")
    sql(world.db, "UPDATE work SET csr_der=substr(csr_der, 2)")
    patch(world.db, root_of(world.db, "cert"), bytes(4096))
    done = p.run("renew").ok()
    assert "order in work cannot be read" in done.err and world.made() == 0, str(done)
    world.at_rest()


def test_later_renewal_replaces(world):
    world.anew()
    world.p.run("renew", "one.test", "--force-renewal").ok()
    patch(world.db, 0, bytes(4096))
    world.p.run("renew", "one.test", "--force-renewal").ok()
    assert world.made() == 2 and world.ca.orders(1)[-1]["replaces"]
    world.at_rest()


@pytest.mark.parametrize("point", ["aside.renamed:1", "aside.renamed:2", "aside.renamed:3", "rebuild.filled", "rebuild.committed"])
def test_killed_while_it_is_made_again(world, point):
    world.anew()
    p = world.p
    # A log beside it, as a killed run leaves one.
    shutil.copy(world.db, world.db + "-wal")
    patch(world.db, 0, bytes(4096))
    before = {part: octets(world.db + part) for part in ("", "-wal")}
    p.binary = os.environ.get("PERDURE_FAULTS_BIN") or faults_path()
    try:
        assert p.run("renew", env={"PERDURE_FAULT": point}).rc == -9
    finally:
        p.binary = perdure_path()
    p.run("renew").ok()
    kept = [octets(os.path.join(p.state_dir, name)) for name in world.aside()]
    assert all(what in kept for what in before.values()), world.aside()
    assert world.made() == 0 and world.shown()[1] == world.status[1]
    assert p.run("renew").ok().err == "" and world.made() == 0
    world.at_rest()


def test_random_damage(world):
    """Octets changed at random: no run fails twice for it, no key and no certificate is lost, none is issued twice."""
    seed = int(os.environ.get("REBUILD_SEED", "1"))
    for i in range(int(os.environ.get("REBUILD_ROUNDS", "8"))):
        dice = random.Random(f"{seed}-{i}")
        world.anew()
        data = bytearray(octets(world.db))
        used = [at for at, octet in enumerate(data) if octet]
        for at in dice.sample(used, dice.choice((1, 1, 3, 40))):
            data[at] ^= 1 << dice.randrange(8)
        if dice.random() < 0.3:
            at = dice.randrange(len(data))
            data[at:at + 4096] = bytes(len(data[at:at + 4096]))
        patch(world.db, 0, data)
        told = f"REBUILD_SEED={seed}, round {i}"
        first = world.p.run("renew")
        assert first.rc == 0 or "hint" in first.err, f"{told}: {first}"
        again = world.p.run("renew")
        # What marks the file as ours, its version, and what is text in it are believed.
        assert again.rc == 0 or re.search("of another program|has schema version|its account was made at", again.err), f"{told}: {first}\n{again}"
        assert world.made() <= len(NAMES), told
        assert all(n <= 2 for n in map(len, invariants.archive(world.p).values())), told
        assert invariants.at_any_moment(world.p, NAMES) == len(NAMES), told
        for path in glob.glob(os.path.join(world.p.state_dir, "accounts/*/key.pem")):
            assert octets(path) == octets(path.replace(world.p.state_dir, world.origin)), told


def test_gone(world):
    """Without a database, or with one of no octets, nothing is issued anew either."""
    for empty in (False, True):
        world.anew()
        os.unlink(world.db)
        assert "no database" in world.p.run("status").ok().err
        if empty:
            open(world.db, "wb").close()
        done = world.p.run("renew").ok()
        assert "there was no database" in done.err and world.aside() == [] and world.made() == 0, str(done)
        assert world.shown() == world.status
        world.at_rest()


def test_names_are_never_used_twice(world):
    world.anew()
    seen = {}
    for i in range(3):
        patch(world.db, 0, b"%100d" % i)
        world.p.run("renew").ok()
        for name in world.aside():
            now = octets(os.path.join(world.p.state_dir, name))
            assert seen.setdefault(name, now) == now or not name.endswith("Z")
    assert len([name for name in world.aside() if not name.endswith(("-wal", "-shm"))]) == 3
    assert world.made() == 0


NOT_DAMAGED = {
    "newer": (lambda path: sql(path, "PRAGMA user_version=4"), "schema version 4"),
    "of another program": (lambda path: sql(path, "PRAGMA application_id=7"), "another program"),
    "a directory": (lambda path: (os.unlink(path), os.mkdir(path)), "s a directory"),
}


@pytest.mark.parametrize("kind", NOT_DAMAGED)
def test_refused_and_left(world, kind):
    change, words = NOT_DAMAGED[kind]
    world.anew()
    change(world.db)
    before = None if os.path.isdir(world.db) else octets(world.db)
    for verb in ("renew", "status", "run"):
        done = world.p.run(verb)
        assert done.rc == 1 and words in done.err and "hint" in done.err, str(done)
    assert world.aside() == [] and world.made() == 0
    assert before is None or octets(world.db) == before


def test_busy_is_not_damaged(world):
    world.anew()
    with contextlib.closing(sqlite3.connect(world.db, isolation_level=None)) as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("INSERT INTO fact VALUES('held', 'by another')")
        done = world.p.run("renew", "--force-renewal")
        assert done.rc == 75 and "another process" in done.err, str(done)
    assert world.aside() == []
    world.p.run("renew").ok()
    assert world.made() == 0


def test_full_disk_is_not_damaged(world, tmp_path):
    """A damaged database stays where it is until there is room for a new one."""
    world.anew()
    p = world.p
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1536k,mode=700", "tmpfs", place], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip("may not mount a tmpfs: " + made.stderr.strip())
    old = p.config
    try:
        shutil.copytree(p.state_dir, place / "state", symlinks=True)
        p.configure({**old, "state_dir": str(place / "state")})
        patch(place / "state/perdure.db", 0, b"\x5a" * 100)
        ballast = fill(place)
        done = p.run("renew")
        assert done.rc == 1 and "is not a database" in done.err and "free" in done.err, str(done)
        assert not glob.glob(str(place / "state/*damaged*"))
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        done = p.run("renew")
        assert done.rc == 1 and "ead-only" in done.err, str(done)
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        assert not glob.glob(str(place / "state/*damaged*"))
        p.run("renew").ok()
        assert len(glob.glob(str(place / "state/*damaged*Z"))) == 1 and world.made() == 0
    finally:
        p.configure(old)
        subprocess.run(["umount", "-l", place], check=False)


def test_account_with_another_key_on_the_way(stage):
    """The CA knows the new key already; the state knows nothing any more."""
    world = World(stage)
    p = world.p
    p.binary = os.environ.get("PERDURE_FAULTS_BIN") or faults_path()
    assert p.run("account", "rollover", env={"PERDURE_FAULT": "rollover.changed"}).rc == -9
    p.binary = perdure_path()
    os.unlink(world.db)
    for end in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(world.db + end)
    done = p.run("renew", "one.test", "--force-renewal").ok()
    assert "accounts: 1" in done.err and world.ca.counters()["accounts"] == 1, str(done)
    assert os.listdir(os.path.join(p.state_dir, "accounts", "testca")) == ["key.pem"]
    world.issued = 3
    assert world.made() == 1
    world.at_rest()


def test_account_is_found_when_the_ca_is_back(world):
    world.anew()
    p, ca = world.p, world.ca
    os.unlink(world.db)
    ca.fault("cut-before", endpoint="newAccount")
    done = p.run("renew")
    ca.clear()
    assert done.rc == 0 and "will be asked for again" in done.err, str(done)
    done = p.run("renew", "--force-renewal").ok()
    assert world.made() == 3 and world.shown()[1] == world.status[1], str(done)
    world.at_rest()
