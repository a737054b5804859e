"""The state directory on a file system that is full or read-only, and a database killed while it is made or written."""
import os
import shutil
import subprocess

import pytest

from state_tool import NAME, injected, need_strace, quick_directory, snapshot, tool, traced


@pytest.fixture
def small(tmp_path):
    """A file system of 2 MiB. Needs the right to mount."""
    place = tmp_path / "small"
    place.mkdir()
    p = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", place], capture_output=True, text=True, check=False)
    if p.returncode:
        pytest.skip("may not mount a tmpfs: " + p.stderr.strip())
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place, leave=0):
    """Writes a file until nothing more goes in; then takes `leave` octets away."""
    path = place / "ballast"
    with open(path, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError:
            pass
        f.truncate(max(0, f.tell() - leave))
    return path


def test_full_disk(small):
    tool("put", small, "before", 100, check=0)
    tool("install", small, NAME, 1, check=0)
    tool("probe", small, check=0)
    for pages in range(5):
        ballast = fill(small, pages * 4096)
        probe = tool("probe", small, check=1)
        assert "free on the file system" in probe.stderr and "hint: free some space" in probe.stderr
        install = tool("install", small, NAME, 2, check=1)
        assert "No space left" in install.stderr and "hint: free some space" in install.stderr
        assert snapshot(small) == 1
        assert os.listdir(small / "archive" / NAME) == ["1"]
        ballast.unlink()
    for pages in range(0, 48, 6):
        ballast = fill(small, pages * 4096)
        put = tool("put", small, "large", 200000, check=1)
        assert "hint: make room" in put.stderr, put.stderr
        # With no room at all it ends before there is a transaction.
        assert put.stdout == ("undone\n" if pages > 8 else put.stdout), put.stderr
        assert "committed" not in put.stdout
        ballast.unlink()
        assert tool("list", small, check=0).stdout == "before\n"
    assert tool("put", small, "after", 200000, check=0).stdout == "committed\n"
    assert tool("list", small, check=0).stdout == "after\nbefore\n"
    tool("install", small, NAME, 2, check=0)
    assert snapshot(small) == 2


def test_new_database_on_a_full_disk(small):
    ballast = fill(small)
    assert "hint: " in tool("put", small, "x", 1, check=1).stderr
    ballast.unlink()
    tool("put", small, "x", 1, check=0)


def test_read_only_file_system(small):
    tool("put", small, "x", 100, check=0)
    tool("install", small, NAME, 1, check=0)
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    for args in (("probe", small), ("install", small, NAME, 2), ("put", small, "y", 1)):
        p = tool(*args, check=1)
        assert "hint: " in p.stderr, p.stderr
        assert "mounted" in p.stderr, p.stderr
    assert tool("list", small, check=0).stdout == "x\n"
    assert snapshot(small) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")
def test_directory_of_somebody_else(tmp_path):
    """As a user without rights on the directory: what to do is said."""
    place = tmp_path / "state"
    tool("put", place, "x", 1, check=0)
    tool("install", place, NAME, 1, check=0)
    base = "/tmp/perdure-other-" + str(os.getpid())
    shutil.copytree(place, base, symlinks=True)
    try:
        program = shutil.copy(os.path.realpath(tool("--where", check=None).args[0]), base + "/tool")
        os.chmod(base, 0o755)
        for args in (("probe", base), ("install", base, "other", "1"), ("put", base, "y", "1")):
            p = subprocess.run([program, *args], capture_output=True, text=True, user=65534, group=65534, extra_groups=[], check=False)
            assert p.returncode == 1 and "run as the user who owns" in p.stderr, p.stderr
    finally:
        shutil.rmtree(base)


@pytest.fixture
def quick():
    """A directory whose syncs cost nothing, where there is such: what a killed process leaves does not depend on that."""
    with quick_directory() as path:
        yield path


def sweep(quick, origin, what, expected):
    """Runs `put y` failing at each call, on copies of origin."""
    shutil.copytree(origin, quick / "traced")
    calls = traced(str(quick / "log"), "put", quick / "traced", "y", 5000)
    for call, k, line in calls:
        place = quick / "place"
        shutil.copytree(origin, place)
        p = tool("put", place, "y", 5000, strace=injected(call, k, what))
        told = f"{what} at {line}: status {p.returncode}, {p.stdout}{p.stderr}"
        listed = tool("list", place)
        if "committed" in p.stdout:
            assert listed.stdout == expected + "y\n", told
        elif expected:
            assert listed.stdout in (expected, expected + "y\n"), told
        tool("put", place, "z", 1, check=0)
        tool("put", place, "y", 5000, check=0)
        assert tool("list", place, check=0).stdout == expected + "y\nz\n", told
        shutil.rmtree(place)
    return len(calls)


def test_killed_while_the_database_is_made(quick):
    need_strace()
    (quick / "origin").mkdir()
    assert sweep(quick, quick / "origin", "signal=KILL", "") > 30


def test_killed_while_the_database_is_written(quick):
    need_strace()
    tool("put", quick / "origin", "x", 100, check=0)
    assert sweep(quick, quick / "origin", "signal=KILL", "x\n") > 30
