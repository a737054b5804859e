"""
What the tests of views share: the program under test is dnsview_tool, whose output is one JSON object per name; answers of servers
that are written in Python (small_servers.DnsServer).
"""
import json
import os
import random
import socket
import subprocess

import dns.rrset
import pytest

from small_servers import DnsServer, answer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.dirname(os.environ["PERDURE_BIN"]) if os.environ.get("PERDURE_BIN") else os.path.join(ROOT, "build")
TOOL = os.path.join(os.path.abspath(BUILD), "tests/integration/dnsview_tool")
NAME = "_validation-persist.www.example.test"


def view(*args, names=(NAME,), limit=30):
    """The views of the names, in their order. The tool must end by itself, well, and without a sanitizer's report."""
    p = subprocess.run([TOOL, *map(str, args), *names], capture_output=True, text=True, timeout=limit, check=False)
    assert p.returncode == 0 and p.stderr == "", p.stderr[-4000:]
    found = {v["owner"]: v for v in map(json.loads, p.stdout.splitlines())}
    assert len(found) == len(set(names))
    return [found[n] for n in names]


def view1(*args, **kw):
    return view(*args, **kw)[0]


def by_address(v):
    return {a["address"]: a for a in v["answers"]}


def free_port(ip="127.0.0.1"):
    for _ in range(200):
        port = random.randrange(15000, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            try:
                t.bind((ip, port))
                u.bind((ip, port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def stub(port, zone="example.test", ip="127.0.0.1"):
    return ("--stub", zone, ip, port)


# --- port 53 of loopback addresses ----------------------------------------------------------------------------------------

IPS = {k: f"127.0.53.{i}" for i, k in enumerate(["root", "tld", "one", "two", "three", "dead"], 1)}


def can_port_53():
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((IPS["root"], 53))
        return True
    except OSError:
        return False


port53 = pytest.mark.skipif(not can_port_53(), reason="needs port 53 of 127.0.53.0/24")
HINT = ("--hint", IPS["root"])


# --- answers in Python ------------------------------------------------------------------------------------------------------


class Servers:
    """Servers in Python, closed together: servers(udp, tcp) makes one."""

    def __init__(self):
        self.made = []

    def __call__(self, udp=None, tcp=None, **where):
        self.made.append(DnsServer(udp, tcp, **where))
        return self.made[-1]

    def close(self):
        for s in self.made:
            s.close()


def good(q, wire):
    return [answer(q).to_wire()]


def stubs(*servers):
    return ("--stub", "example.test", ",".join(s.address for s in servers), 0)


def truncated(q, wire):
    return [answer(q, tc=True, rr=False).to_wire()]


def referral(q, zone, host, ip):
    r = answer(q, aa=False, rr=False)
    r.authority.append(dns.rrset.from_text(zone, 300, "IN", "NS", host))
    if ip:
        r.additional.append(dns.rrset.from_text(host, 300, "IN", "A", ip))
    return [r.to_wire()]
