"""Where tests take place: a folder, its processes, files, ports, command line tools."""
import atexit
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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
