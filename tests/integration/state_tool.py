"""What test_live_switch.py and test_state_faults.py share: the program certfiles_tool, and system calls counted and failed by strace."""
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES = 300  # as in certfiles_tool.c
NAME = "example.com"
CALLS = "%file,%desc"
PRUNED = -1  # a look at a generation that is no more


def tool_path():
    """Without sanitizers when there is a choice: those do not work below strace."""
    builds = [os.path.dirname(os.path.abspath(os.environ[v])) for v in ("PERDURE_PLAIN_BIN", "PERDURE_BIN") if os.environ.get(v)]
    for build in builds + [os.path.join(ROOT, "build"), os.path.join(ROOT, "build-test")]:
        path = os.path.join(build, "tests/integration/certfiles_tool")
        if os.path.exists(path):
            return path
    raise RuntimeError("certfiles_tool is not built: run make, or set PERDURE_PLAIN_BIN")


def tool(*args, strace=(), check=None, timeout=60):
    argv = [*strace, tool_path(), *[str(a) for a in args]]
    p = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    if check is not None:
        assert p.returncode == check, (argv, p.returncode, p.stdout, p.stderr)
    return p


def need_strace():
    """Skips where there is no strace or it may not trace."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    p = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if p.returncode:
        pytest.skip("strace may not trace here: " + p.stderr.decode(errors="replace").strip()[-200:])


@contextmanager
def quick_directory():
    """A directory in memory, where there is such, for what is done hundreds of times; removed at the end."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="perdure-", dir=memory) as path:
        yield Path(path)


def traced(log, *args):
    """Runs the tool and gives its calls from the first that names the state directory: [(call, how manieth of that call, line)]."""
    tool(*args, strace=["strace", "-f", "-y", "-s", "400", "-o", log, "-e", "trace=" + CALLS], check=0)
    calls, counts, seen = [], {}, False
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            m = re.match(r"\d+\s+(\w+)\(", line)
            if not m or m[1] == "execve":
                continue
            counts[m[1]] = counts.get(m[1], 0) + 1
            seen = seen or str(args[1]) in line
            if seen:
                calls.append((m[1], counts[m[1]], line))
    assert len(calls) > 10, "strace showed next to nothing"
    return calls


def injected(call, k, what):
    """strace arguments that have the k-th such call fail, or kill at it."""
    return ["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e", f"inject={call}:{what}:when={k}"]


class Torn(Exception):
    pass


def _lines(dirfd, name, kinds):
    """The "N MARK" that all lines of the file have; raises Torn for anything but the whole file."""
    fd = os.open(name, os.O_RDONLY, dir_fd=dirfd)
    try:
        text = b""
        while chunk := os.read(fd, 1 << 20):
            text += chunk
    finally:
        os.close(fd)
    lines = text.decode().split("\n")
    marks = {line.split(" ", 1)[1] for line in lines if line}
    if len(marks) != 1 or [line.split(" ")[0] for line in lines if line] != [k for k in kinds for _ in range(LINES)] or lines[-1]:
        raise Torn(f"{name} is not whole: {len(text)} octets, {sorted(marks)}")
    return marks.pop()


def _same(dirfd, path):
    """Whether live/NAME still names the opened directory."""
    try:
        return os.path.samestat(os.fstat(dirfd), os.stat(path))
    except FileNotFoundError:
        return False


def snapshot(state_dir, name=NAME):
    """
    One look at live/NAME: its directory is opened once, the files are read from that. Gives the generation, None when there is no link.
    Raises Torn unless all five files are there, whole, and of one set. A look that took so long that its generation was pruned
    meanwhile, as live/NAME naming another one by now shows, is taken again.
    """
    while (got := _look(os.path.join(state_dir, "live", name))) == PRUNED:
        pass
    return got


def _look(live):
    try:
        dirfd = os.open(live, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError as e:
        if os.path.lexists(live):
            raise Torn("live/ names what is not there") from e
        return None
    try:
        marks = {
            _lines(dirfd, "privkey.pem", ["key"]),
            _lines(dirfd, "cert.pem", ["cert"]),
            _lines(dirfd, "chain.pem", ["chain"]),
            _lines(dirfd, "fullchain.pem", ["cert", "chain"]),
            _lines(dirfd, "combined.pem", ["key", "cert", "chain"]),
        }
    except FileNotFoundError as e:
        if not _same(dirfd, live):
            return PRUNED
        raise Torn(f"a file is missing: {e.filename}") from e
    finally:
        os.close(dirfd)
    if len(marks) != 1:
        raise Torn(f"mixed: {sorted(marks)}")
    return int(marks.pop().split(" ")[0])


def observe(state_dir, *processes, name=NAME):
    """Looks again and again until the processes have ended. Gives the set of generations seen and the number of looks."""
    seen, looks = set(), 0
    while True:
        running = any(p.poll() is None for p in processes)
        seen.add(snapshot(state_dir, name))
        looks += 1
        if not running:
            return seen, looks
