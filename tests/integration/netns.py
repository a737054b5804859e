"""
A network namespace of one's own, for tests that need servers at port 53 of public-looking addresses. Needs root (CAP_SYS_ADMIN), the
`ip` tool, and nothing else: no process keeps the namespace alive, so that nothing stays behind.

    net = Namespace()              # NamespaceError says why there can be none
    net.add_addresses(["192.0.2.1"])
    with net.inside():             # this thread, what it starts (processes, threads), and the sockets it makes
        ...
"""
import contextlib
import ctypes
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000


class NamespaceError(Exception):
    """There can be no namespace here, and why."""


def _call(function, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*args):
        number = ctypes.get_errno()
        raise NamespaceError(f"{function}: {os.strerror(number)}")


def _here():
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network namespace with a loopback interface and no way out. close() when done; it goes with its last process."""

    def __init__(self):
        made = []

        def make():
            try:
                _call("unshare", CLONE_NEWNET)
                made.append(_here())
            except (NamespaceError, OSError) as e:
                made.append(e)

        thread = threading.Thread(target=make)  # the namespace of a thread: this one stays where it is
        thread.start()
        thread.join()
        if not isinstance(made[0], int):
            raise NamespaceError(f"no network namespace can be made: {made[0]}")
        self.fd = made[0]
        try:
            self._ip("link set lo up")
        except NamespaceError:
            self.close()
            raise

    def _ip(self, *lines):
        with self.inside():
            try:
                p = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=30,
                                   env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}, check=False)
            except FileNotFoundError:
                raise NamespaceError("there is no `ip` (package iproute2)") from None
        if p.returncode:
            raise NamespaceError(f"ip: {p.stderr.strip()}")

    def add_addresses(self, addresses):
        """These addresses are its own from now on. NamespaceError where the kernel has none of that family."""
        self._ip(*(f"address add {a}/{128 if ':' in a else 32} dev lo" for a in addresses))

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the namespace meanwhile."""
        back = _here()
        try:
            _call("setns", self.fd, CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", back, CLONE_NEWNET)
        finally:
            os.close(back)

    def close(self):
        """Lets go of it."""
        if self.fd is not None:
            os.close(self.fd)
        self.fd = None
