"""The disk full, read-only or broken while renewing: what is live stays, what is said helps, and the next run goes on."""
import os
import re
import shutil
import subprocess

import pytest

import harness
from e2e import FILES, Fleet, archived, check_rest, live_pair, pair_matches, plain_path, results, rows
from state_tool import need_strace
from test_state_faults import fill, small  # noqa: F401  (a fixture)

need_root = pytest.mark.skipif(os.geteuid() != 0, reason="NO FULL DISK TEST: needs root, to mount")


def on(place, fleet):
    """Has the fleet's state on another file system."""
    p = fleet.p
    shutil.copytree(p.state_dir, place / "state", symlinks=True, dirs_exist_ok=True)
    p.state_dir = str(place / "state")
    p.configure({**p.config, "state_dir": p.state_dir})


def pairs(f):
    return {name: live_pair(f.p, name) for name in f.names}


@need_root
def test_full_disk(stage, small):  # noqa: F811
    f = Fleet(stage, 2)
    f.p.run("renew").ok()
    on(small, f)
    before = pairs(f)
    said = 0
    for pages in (0, 1, 2, 4, 8, 12, 16, 24):
        ballast = fill(small, pages * 4096)
        done = f.p.run("renew", "--force-renewal", "--json", check_sanitizer=False)
        if done.rc:
            assert done.rc in (1, 4, 75), str(done)
            told = done.out + done.err
            assert re.search(r"No space left|disk is full|free on the file system|full", told), str(done)
            assert "hint" in told and "room" in told or "free some space" in told, str(done)
            said += 1
            for name, pair in pairs(f).items():
                assert pair == before[name] or results(done).get(name) == "renewed", f"{pages} pages: {done}"
        assert all(pair_matches(*pair) for pair in pairs(f).values())
        # SQLite needs a page for readers too; without it that is said.
        reading = f.p.run("status")
        assert reading.rc == 0 or reading.rc == 1 and "make room" in reading.err, str(reading)
        ballast.unlink()
        # What was left is finished by a plain run; the waiting time after a failure does not hold for those that are named.
        f.p.run("renew", *f.names).ok()
        assert rows(f.p, "SELECT * FROM work") == []
        assert archived(f.p) == f.issued(), f"{pages} pages: a certificate that the CA issued is not here"
        before = pairs(f)
    assert said >= 3
    check_rest(f.p, f.names)


@need_root
def test_full_from_the_first_day(stage, small):  # noqa: F811
    f = Fleet(stage, 1)
    f.p.state_dir = str(small / "state")
    f.p.configure({**f.p.config, "state_dir": f.p.state_dir})
    ballast = fill(small)
    done = f.p.run("account", "register", "--agree-tos", check_sanitizer=False)
    assert done.rc in (1, 75) and "hint" in done.err and "full" in done.err and "make room" in done.err, str(done)
    ballast.unlink()
    harness.set_up_account(f.p, "ca0")


@need_root
def test_read_only(stage, small):  # noqa: F811
    f = Fleet(stage, 1)
    f.p.run("renew").ok()
    on(small, f)
    before = pairs(f)
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    done = f.p.run("renew", "--force-renewal")
    assert done.rc == 1 and "ead-only" in done.err and f.p.state_dir in done.err and "hint" in done.err, str(done)
    assert pairs(f) == before and f.orders() == 1
    f.p.run("status").ok()
    f.p.run("record", "show").ok()
    assert f.p.run("renew", "--dry-run").rc == 0
    done = f.p.run("doctor")
    assert done.rc == 1 and "state" in done.out, str(done)


CALLS = ("pwrite64", "fsync", "fdatasync", "rename", "mkdir", "symlink")


def calls_of(p, log, *args):
    """The number of each call, from the first that concerns the state directory on."""
    done = p.run(*args, wrap=["strace", "-f", "-y", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS)])
    assert done.rc == 0, str(done)
    counts, found = {}, []
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            m = re.match(r"\d+\s+(\w+)\(", line)
            if m:
                counts[m[1]] = counts.get(m[1], 0) + 1
                if p.state_dir in line or m[1] in ("rename", "mkdir", "symlink"):
                    found.append((m[1], counts[m[1]]))
    return found


def test_failing_calls(stage):
    """ENOSPC and EIO at a sample of the writing calls of a renewal of two certificates."""
    need_strace()
    f = Fleet(stage, 2, binary=plain_path(), nonce_reject=0)
    p = f.p
    p.run("renew").ok()
    log = os.path.join(p.folder, "strace.log")
    calls = calls_of(p, log, "renew", "--force-renewal", "--json")
    assert {"fsync", "rename", "symlink"} & {c for c, _ in calls} and len(calls) > 30, calls
    sample = [(call, n, error) for i, (call, n) in enumerate(calls) for error in (("ENOSPC", "EIO")[i % 2],) if i % 3 == 0 or call != "pwrite64"]
    sample = sample[:: max(1, len(sample) // 45)]
    # write() is used for much else: only those of one file at a time.
    sample += [("write", file, ("ENOSPC", "EIO")[i % 2]) for i, file in enumerate(sorted(FILES))]
    failed = 0
    for call, n, error in sample:
        told = f"{error} at {call} {n}"
        name, only = f.names[0], []
        if call == "write":
            generation = 1 + max(int(g) for g in os.listdir(os.path.join(p.state_dir, "archive", name)))
            only, n = ["-P", os.path.join(p.state_dir, "archive", name, f".{generation}.tmp", n)], 1
        before = pairs(f)
        done = p.run("renew", "--force-renewal", "--json",
                     wrap=["strace", "-f", "-qq", "-o", "/dev/null", *only, "-e", "trace=" + call, "-e", f"inject={call}:error={error}:when={n}"])
        assert done.rc in (0, 1, 4, 75), f"{told}: {done}"
        failed += done.rc != 0
        for name, pair in pairs(f).items():
            assert pair_matches(*pair), f"{told}: {name}: {done}"
            assert pair != before[name] or results(done).get(name) != "renewed", f"{told}: {done}"
        again = p.run("renew", *f.names, "--json")
        assert again.rc == 0, f"{told}: {done}\nthen {again}"
        assert rows(p, "SELECT * FROM work") == [], told
        assert archived(p) == f.issued(), f"{told}: {done}\nthen {again}"
    assert failed > len(sample) // 4, f"{failed} of {len(sample)} failed"
    check_rest(p, f.names)
    f.verify()
