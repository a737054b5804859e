"""perdure run: what it does by itself, what signals and its socket make it do, and what systemd hears."""
import contextlib
import glob
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

import invariants
import pytest
from e2e import check_rest, need_faketime, plain_path
from harness import Knot, Perdure, TestCA, free_port, p_config, publish_records, read, set_up_account, wait_until, write, zones_named
from test_json_page import page, printed
from test_notify import Hook, kinds
from test_proxy import Proxy
from test_state_faults import fill

NAMES = zones_named(2)


@pytest.fixture
def site(stage):
    knot = Knot(stage, NAMES)
    ca = TestCA(stage, knot.address)
    p = Perdure(stage, p_config(ca, knot, NAMES[:1], daemon={"interval": "10s"}))
    set_up_account(p)
    publish_records(p, knot)
    return p, ca, knot


def asked(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


class Daemon:
    """perdure run, and what it says to systemd."""

    def __init__(self, p, **env):
        self.p = p
        self.log = os.path.join(p.folder, "daemon.log")
        path = os.path.join(p.folder, "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.heard = []
        self.process = p.start("run", log=self.log, env={"NOTIFY_SOCKET": path, **env})
        try:
            self.hear("READY=1")
        except Exception:
            print(read(self.log))
            raise

    def hear(self, word, seconds=30):
        self.notify.settimeout(seconds)
        while not any(word in text for text in self.heard):
            self.heard.append(self.notify.recv(4096).decode())

    def forget(self):
        self.heard = []

    def ask(self, **request):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(30)
        path = os.path.join(self.p.state_dir, "control")
        # There is none for a moment while it opens its state anew.
        wait_until("the control socket", 20, lambda: s.connect_ex(path) == 0 or self.process.poll() is not None)
        s.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(s.makefile().readline())

    def idle(self):
        wait_until("a daemon at rest", 30, lambda: not self.ask(do="status")["running"])
        return self.ask(do="status")

    def end(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        assert self.process.wait(20) == 0, read(self.log)
        self.notify.close()


def test_issues_what_is_there_and_answers(site):
    p, ca, _ = site
    d = Daemon(p)
    status = d.idle()
    assert status["process"] == d.process.pid and status["last_run"]["issued"] == 1, status
    assert oct(os.stat(p.state_dir + "/control").st_mode)[-3:] == "600"
    # What it is not asked for, it does not do.
    for request, words in (({"do": "dance"}, "nothing that the daemon does"), ({}, '"do" is missing'),
                           ({"do": "renew", "names": ["other.test"]}, "no certificate"), ({"do": "renew", "names": 5}, "number")):
        answer = d.ask(**request)
        assert not answer["ok"] and words in answer["error"], answer
    # A renewal on request, by the command.
    assert len(ca.certificates()) == 1
    p.run("control", "renew", NAMES[0]).ok()
    d.idle()
    assert len(ca.certificates()) == 1, "it was not due"
    p.run("control", "renew", NAMES[0], "--force-renewal").ok()
    wait_until("the second certificate", 30, lambda: len(ca.certificates()) == 2)
    d.idle()
    shown = p.run("control", "status").ok().out
    assert str(d.process.pid) in shown and "asleep" in shown
    doc = page()
    assert printed(p, "control", "status") == doc["control status"]
    assert printed(p, "control", "renew") == doc["control renew"]
    done = p.run("control", "renew", "other.test")
    assert done.rc == 2 and "no certificate" in done.err and "hint" in done.err
    # The state is its own: another one does not wait, and says whose it is.
    for verb in ("run", "renew"):
        start = time.monotonic()
        done = p.run(verb)
        assert done.rc == 75 and str(d.process.pid) in done.err and "perdure control" in done.err, str(done)
        assert time.monotonic() - start < 10
    p.run("status").ok()
    assert printed(p, "control", "stop") == doc["control stop"]
    assert d.process.wait(20) == 0
    d.hear("STOPPING=1")
    assert not os.path.exists(p.state_dir + "/control")
    done = p.run("control", "status")
    assert done.rc == 1 and "no daemon" in done.err, str(done)
    check_rest(p, NAMES[:1])


def test_renewals_leave_no_descriptors(stage):
    """Neither do reloads."""
    names = [f"n{i}.test" for i in range(20)]
    ca = TestCA(stage)
    p = Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "daemon": {"interval": "1h"}, "certificates": [{"names": [n]} for n in names]})
    set_up_account(p)
    d = Daemon(p)
    counts = []
    for rounds in range(1, 6):
        d.idle()
        assert len(ca.certificates()) == rounds * len(names)
        counts.append(len(os.listdir(f"/proc/{d.process.pid}/fd")))
        if rounds == 3:
            d.ask(do="reload")
            wait_until("the new configuration", 20, lambda: read(d.log).count("looks after") == 2)
            d.idle()
        d.ask(do="renew", names=names, force=True)
        wait_until("new certificates", 30, lambda: len(ca.certificates()) == (rounds + 1) * len(names))
    assert max(counts) <= min(counts) + 4, counts  # connections that are kept
    d.end()


def test_reload(site):
    p, ca, knot = site
    d = Daemon(p)
    d.idle()
    good = read(p.config_file)
    write(p.config_file, good + "\nnonsense: 1\n")
    done = p.run("control", "reload")
    assert done.rc == 2 and "nonsense" in done.err, str(done)
    d.process.send_signal(signal.SIGHUP)
    wait_until("the word of the wrong configuration", 20, lambda: "old one holds" in read(d.log))
    answer = d.ask(do="reload")
    assert not answer["ok"] and "nonsense" in answer["error"] and "state_dir" in answer["hint"], answer
    assert d.idle()["ok"], "it goes on with the old one"
    # Now one with another certificate.
    p.configure(p_config(ca, knot, NAMES, daemon={"interval": "10s"}))
    publish_records(p, knot)
    d.forget()
    d.process.send_signal(signal.SIGHUP)
    d.hear("RELOADING=1")
    d.hear("READY=1")
    wait_until("the other certificate", 30, lambda: os.path.exists(p.live(NAMES[1], "cert.pem")))
    d.idle()
    d.end()
    check_rest(p, NAMES)


def test_wakes_when_something_is_due(stage):
    """Certificates of half a minute: one that sleeps until its interval has passed would let them end."""
    knot = Knot(stage, NAMES[:1])
    ca = TestCA(stage, knot.address, lifetime=30)
    p = Perdure(stage, p_config(ca, knot, NAMES[:1], daemon={"interval": "1d"}))
    set_up_account(p)
    publish_records(p, knot)
    d = Daemon(p, WATCHDOG_USEC="400000")
    wait_until("the first renewal", 150, lambda: len(ca.certificates()) >= 2)
    d.forget()
    d.hear("WATCHDOG=1", 5)
    d.end(signal.SIGINT)


def test_the_clock_jumps(stage):
    """A hundred days forward and back while it runs: the CA is asked what time it is, and nothing is renewed by the wrong one."""
    need_faketime()
    knot = Knot(stage, NAMES)
    ca = TestCA(stage, knot.address)
    p = Perdure(stage, p_config(ca, knot, NAMES, daemon={"interval": "10s"}), binary=plain_path())
    set_up_account(p)
    publish_records(p, knot)
    offset = write(os.path.join(p.folder, "offset"), "+0")
    (library,) = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    d = Daemon(p, LD_PRELOAD=library, FAKETIME_TIMESTAMP_FILE=offset, FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1")
    d.idle()
    before = len(ca.certificates())
    assert before == 2
    write(offset, "+100d")
    assert d.ask(do="renew", names=NAMES)["ok"]
    wait_until("a word on the clock", 20, lambda: "set the clock" in read(d.log))
    d.idle()
    assert len(ca.certificates()) == before and "the clock of this machine went forward by 86" in read(d.log), read(d.log)
    write(offset, "+0")
    assert d.ask(do="renew", names=NAMES[:1], force=True)["ok"]
    wait_until("a renewal", 20, lambda: len(ca.certificates()) == before + 1)
    d.idle()
    assert "went back" in read(d.log)
    d.end()
    assert [e["event"] for e in p.run("events", "show", "--json").ok().lines() if e["event"].startswith("clock.")] == ["clock.jumped"] * 2
    # What failed by the wrong clock is not put off by it.
    assert "would wait" not in p.run("renew", "--dry-run").ok().out


def test_killed_and_started_again(site):
    """A socket that a dead one left stands in nobody's way."""
    p, ca, _ = site
    d = Daemon(p)
    d.idle()
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait()
    d.notify.close()
    os.unlink(os.path.join(p.folder, "notify"))
    assert os.path.exists(p.state_dir + "/control")
    p.run("renew").ok()
    again = Daemon(p)
    assert again.idle()["last_run"]["certificates"] == 1
    again.end()
    assert len(ca.certificates()) == 1


def test_audits_now_and_then(site):
    p, ca, knot = site
    port = free_port()
    p.configure({**p.config, "daemon": {"interval": "1h", "audit": "3s"}, "metrics": {"listen": f"127.0.0.1:{port}"}})
    proxy = Proxy(p.stage, "http")
    d = Daemon(p, HTTPS_PROXY=f"http://{proxy.at}")
    d.idle()
    baseline = os.path.join(p.state_dir, "audit-baseline.jsonl")
    wait_until("the first audit", 60, lambda: os.path.exists(baseline))
    # Somebody lets another account issue: told within a period.
    knot.nsupdate([f'_validation-persist.{NAMES[0]} 60 TXT "authority.example;accounturi=https://ca.evil.test/acct/1;policy=wildcard"'])
    wait_until("the foreign record in the log", 60, lambda: "ca.evil.test" in read(d.log))
    said = read(d.log).count("ca.evil.test")
    first = os.stat(baseline).st_mtime_ns
    wait_until("another audit", 60, lambda: os.stat(baseline).st_mtime_ns > first + 4_000_000_000)
    assert read(d.log).count("ca.evil.test") == said, "a drift is told once"
    before = len(proxy.connects())
    wait_until("an audit to ask for the CA's directory by the proxy", 30, lambda: len(proxy.connects()) > before)
    # What the audits, which are processes of their own, have counted is among the daemon's numbers, also after a restart.
    assert "perdure_audit_names 1\n" in asked(port, "/metrics")[1]
    d.end()
    os.unlink(os.path.join(p.folder, "notify"))
    d = Daemon(p)
    for _ in range(2):
        status, text = asked(port, "/metrics")
        assert status == 200 and 'perdure_audit_findings{rule="PD201",severity="error"} 1\n' in text, text
    d.end()


def test_goes_on_after_a_full_disk(stage, tmp_path):
    """Nothing is lost while there is no room, and once there is some it goes on by itself."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", place], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip("may not mount a tmpfs: " + mounted.stderr.strip())
    try:
        knot = Knot(stage, NAMES)
        ca = TestCA(stage, knot.address)
        port = free_port()
        p = Perdure(stage, p_config(ca, knot, NAMES, daemon={"interval": "10s"}, state_dir=str(place / "state"),
                                    metrics={"listen": f"127.0.0.1:{port}"}))
        p.state_dir = str(place / "state")
        hook = Hook()
        p.configure({**p.config, "notify": [{"name": "oncall", "type": "webhook", "url": hook.url}]})
        set_up_account(p)
        publish_records(p, knot)
        p.run("renew").ok()
        d = Daemon(p, PERDURE_TIME_RATE="10")
        d.idle()
        assert asked(port, "/readyz") == (200, "ready\n")
        good = read(p.config_file)
        ballast = fill(place)
        d.ask(do="renew", names=NAMES, force=True)
        wait_until("the word of a full disk", 60, lambda: "free on the file system" in read(d.log) or "No space" in read(d.log))
        assert invariants.at_any_moment(p, NAMES) == 2
        for _ in range(3):
            d.idle()
            d.ask(do="renew", names=NAMES, force=True)
        assert d.idle()["ok"], "it waits for room"
        assert (asked(port, "/readyz")[0], asked(port, "/healthz")[0]) == (503, 200)
        told = [kinds(json.loads(body)) for _, body in hook.got]
        assert told == [[("new", "run-failed", "run")]], "it is told, and once"
        assert p.run("control", "status").ok()
        # It opens its state anew, and the configuration with it: one that is being edited does not end it.
        write(p.config_file, good + "\nnonsense: 1\n")
        ballast.unlink()
        wait_until("the word of the wrong configuration", 60, lambda: "old one holds" in read(d.log) or d.process.poll() is not None)
        write(p.config_file, good)
        wait_until("certificates again", 120, lambda: d.process.poll() is not None or d.ask(do="renew", names=NAMES, force=True)["ok"] and len(ca.certificates()) >= 4)
        assert d.process.poll() is None, read(d.log)
        d.idle()
        assert asked(port, "/readyz")[0] == 200
        d.end()
        check_rest(p, NAMES)
    finally:
        subprocess.run(["umount", "-l", place], check=False)


def test_goes_on_after_a_read_only_state(site):
    """What is open for writing stays so, as with a disk that is remounted after errors; nothing more can be opened."""
    p, ca, _ = site
    d = Daemon(p)
    d.idle()
    done = subprocess.run(f"mount --bind {p.state_dir} {p.state_dir} && mount -o remount,bind,ro {p.state_dir}", shell=True, capture_output=True, text=True, check=False)
    if done.returncode:
        d.end()
        pytest.skip("may not mount: " + done.stderr.strip())
    try:
        for _ in range(3):
            d.ask(do="renew", names=NAMES[:1], force=True)
            wait_until("the word of it", 30, lambda: "ead-only" in read(d.log))
            assert d.idle()["ok"]
        assert invariants.at_any_moment(p, NAMES[:1]) == 1
    finally:
        subprocess.run(["umount", "-l", p.state_dir], check=True)
    wait_until("a certificate again", 60, lambda: d.ask(do="renew", names=NAMES[:1], force=True)["ok"] and len(ca.certificates()) >= 2)
    d.idle()
    d.end()
    check_rest(p, NAMES[:1])


def test_database_damaged_under_it(site):
    """It opens its state anew, as a new start would: the certificate is there, and none is issued for it."""
    p, ca, _ = site
    d = Daemon(p)
    d.idle()
    path = os.path.join(p.state_dir, "perdure.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        ((page,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name='cert'").fetchall()
        with open(path, "r+b") as f:
            f.seek((page - 1) * 4096)
            f.write(bytes(4096))
        db.execute("INSERT INTO fact VALUES('others look', 'again')")
    d.ask(do="renew", names=NAMES[:1])
    wait_until("the word of the damage", 30, lambda: "malformed" in read(d.log))
    d.idle()
    d.forget()
    d.ask(do="renew", names=NAMES[:1])
    d.hear("READY=1")
    assert not d.idle()["last_run"]["failed"] and "made again from live/ and archive/" in read(d.log)
    assert len(ca.certificates()) == 1
    d.end()
    p.run("renew").ok()
    assert len(ca.certificates()) == 1


def test_waits_while_another_writes(site):
    """The database is another process's for a while: nothing fails for that."""
    p, ca, _ = site
    d = Daemon(p)
    d.idle()
    with contextlib.closing(sqlite3.connect(os.path.join(p.state_dir, "perdure.db"), isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        d.ask(do="renew", names=NAMES[:1], force=True)
        time.sleep(1.5)
        assert len(ca.certificates()) == 1, "no order before its key is on the disk"
        db.execute("ROLLBACK")
    wait_until("the renewal", 30, lambda: len(ca.certificates()) == 2)
    assert not d.idle()["last_run"]["failed_certificates"], read(d.log)
    d.end()
    check_rest(p, NAMES[:1])
