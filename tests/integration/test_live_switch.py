"""
live/<name> names a matching pair of key and certificate, whole, between any two file operations: while generations follow each
other, with every call slowed down, with two processes at once, killed at each call, and with each call failing.
"""
import os
import re
import shutil
import subprocess

import pytest

import state_tool
from state_tool import CALLS, NAME, injected, need_strace, observe, quick_directory, snapshot, tool, tool_path, traced


@pytest.fixture
def first(tmp_path):
    """A state directory whose generation 1 is live."""
    tool("install", tmp_path / "first", NAME, 1, check=0)
    assert snapshot(tmp_path / "first") == 1
    return tmp_path / "first"


@pytest.fixture
def quick():
    with quick_directory() as path:
        yield path


def start(*args, strace=()):
    return subprocess.Popen([*strace, tool_path(), *[str(a) for a in args]], stdin=subprocess.DEVNULL)


def test_observer_notices_torn_states(first):
    """The observer itself: what the others do during a renewal is not overlooked."""
    archive = first / "archive" / NAME / "1"
    good = (archive / "cert.pem").read_text()
    for bad in ("", good[:-1], good[: len(good) // 2], good.replace(" 1 ", " 2 ")):
        (archive / "cert.pem").write_text(bad)
        with pytest.raises(state_tool.Torn):
            snapshot(first)
    (archive / "cert.pem").unlink()
    with pytest.raises(state_tool.Torn):
        snapshot(first)
    shutil.rmtree(archive)
    with pytest.raises(state_tool.Torn):
        snapshot(first)
    (first / "live" / NAME).unlink()
    assert snapshot(first) is None


def test_generations_follow_each_other(first):
    p = start("loop", first, NAME, 80)
    seen, looks = observe(first, p)
    assert p.returncode == 0
    assert None not in seen and max(seen) == 81
    assert looks > 10 and len(seen) > 5
    assert len(os.listdir(first / "archive" / NAME)) == 4


def test_two_processes_at_once(first):
    processes = [start("loop", first, NAME, 30) for _ in range(2)]
    seen, _ = observe(first, *processes)
    assert [p.returncode for p in processes] == [0, 0]
    assert None not in seen and max(seen) == 61
    assert all(n.isdigit() for n in os.listdir(first / "archive" / NAME))


def test_every_call_slowed_down(first):
    need_strace()
    slow = ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + CALLS, "-e", f"inject={CALLS}:delay_exit=12000"]
    p = start("install", first, NAME, 2, strace=slow)
    seen, _ = observe(first, p)
    assert p.returncode == 0
    assert seen == {1, 2}


def test_what_is_named_is_synced(first, tmp_path):
    """In the order of the calls: every file, then its directory, then the name, then that name's directory; then the same for the link."""
    need_strace()
    lines = [line for _, _, line in traced(str(tmp_path / "log"), "install", first, NAME, 2)]

    def at(pattern, start=0):
        for i, line in enumerate(lines[start:], start):
            if re.search(pattern, line):
                return i
        raise AssertionError(f"no {pattern} after call {start} in\n" + "".join(lines))

    archive = re.escape(f"{first}/archive/{NAME}")
    renamed = at(rf'rename\("{archive}/\.2\.tmp", "{archive}/2"\)')
    for name in ("privkey", "cert", "chain", "fullchain", "combined"):
        written = at(rf"write\(\d+<{archive}/\.2\.tmp/{name}\.pem>")
        assert written < at(rf"fsync\(\d+<{archive}/\.2\.tmp/{name}\.pem>\)", written) < renamed
    assert at(rf"fsync\(\d+<{archive}/\.2\.tmp>\)") < renamed
    switched = at(r'rename\("[^"]*/live/\.example\.com\.tmp", "[^"]*/live/example\.com"\)')
    assert renamed < at(rf"fsync\(\d+<{archive}>\)", renamed) < switched
    assert at(r"fsync\(\d+<[^>]*/live>\)", switched)


def sweep(quick, origin, number, whats, verbs=None):
    """Installs generation `number` once for each call and each of `whats`, on a copy of `origin`. Gives how many runs there were."""
    log = str(quick / "log")
    shutil.copytree(origin, quick / "traced", symlinks=True)
    calls = traced(log, "install", quick / "traced", NAME, number)
    before = snapshot(origin)
    runs = 0
    for what in whats:
        for call, k, line in calls:
            if verbs and call not in verbs:
                continue
            place = quick / "place"
            shutil.copytree(origin, place, symlinks=True)
            p = tool("install", place, NAME, number, strace=injected(call, k, what))
            told = f"{what} at {line}: status {p.returncode}, {p.stderr}"
            try:
                now = snapshot(place)
            except state_tool.Torn as e:
                raise AssertionError(f"{told}: {e}") from e
            assert now in (before, number), told
            if "signal" in what:
                assert p.returncode in (-9, 137), told
            elif p.returncode == 0:
                assert now == number, told
            else:
                assert p.returncode == 1 and "perdure:" in p.stderr, told
            # The same command again completes, and nothing of the first one stays.
            again = tool("install", place, NAME, number)
            assert again.returncode == 0, (told, again.stderr)
            assert snapshot(place) == number, told
            assert os.listdir(place / "live") == [NAME], told
            assert all(n.isdigit() for n in os.listdir(place / "archive" / NAME)), told
            shutil.rmtree(place)
            runs += 1
    return runs


def test_killed_at_each_call_of_a_renewal(first, quick):
    need_strace()
    assert sweep(quick, first, 2, ["signal=KILL"]) > 40


def test_killed_at_each_call_of_the_first_issue(quick):
    need_strace()
    (quick / "empty").mkdir()
    assert sweep(quick, quick / "empty", 1, ["signal=KILL"]) > 40


def test_each_call_fails(first, quick):
    need_strace()
    changing = {"openat", "mkdir", "write", "fsync", "fchmod", "rename", "symlink", "readlink", "flock"}
    assert sweep(quick, first, 2, ["error=EIO", "error=ENOSPC"], changing) > 40
    assert {c for c, _, _ in traced(str(quick / "log2"), "install", first, NAME, 2)} >= changing


def test_killed_at_each_call_of_a_deletion(first, quick):
    need_strace()
    shutil.copytree(first, quick / "traced", symlinks=True)
    for call, k, line in traced(str(quick / "log"), "delete", quick / "traced", NAME):
        place = quick / "place"
        shutil.copytree(first, place, symlinks=True)
        tool("delete", place, NAME, strace=injected(call, k, "signal=KILL"))
        assert snapshot(place) in (1, None), line
        tool("delete", place, NAME, check=0)
        assert os.listdir(place / "live") == [] and os.listdir(place / "archive") == [], line
        shutil.rmtree(place)
