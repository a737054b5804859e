"""
IPv6 that is broken: the CA's name has an IPv6 address at which nobody is, and an IPv4 address where it listens. Each run has less time
than one connection that times out would take.
"""
import os
import re
import subprocess

import pytest
from harness import Perdure, TestCA, set_up_account, write, zones_named
from netns import Namespace, NamespaceError
from test_scenarios import program

LESS_THAN_ONE_TIME_OUT = 13
NOBODY = "2001:db8::2"  # on a link that swallows everything
BY_HOSTS = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"']


class Host:
    """A network of its own with a CA at 127.0.0.1, which is called ca.test."""

    def __init__(self, stage):
        self.stage = stage
        try:
            self.net = Namespace()
        except NamespaceError as e:
            pytest.skip(f"NO IPV6 TEST: {e}")
        stage.closers.append(self.net.close)
        for line in ("link add swallow type veth peer name nobody", "link set swallow up", "link set nobody up", "-6 addr add 2001:db8::1/64 dev swallow nodad",
                     f"-6 neigh add {NOBODY} lladdr 02:00:00:00:00:02 dev swallow"):
            self.tool("ip", *line.split())
        with self.net.inside():
            self.ca = TestCA(stage, name="ca.test")
        assert "//ca.test:" in self.ca.dir_url

    def tool(self, *argv):
        with self.net.inside():
            return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=20).stdout

    def swallowed(self):
        """Packets that went to nobody."""
        return int(re.search(r"TX:.*\n\s*\d+\s+(\d+)", self.tool("ip", "-s", "link", "show", "swallow"))[1])


@pytest.mark.parametrize("address", [NOBODY, "::1", "2001:db8:dead::1"], ids=["swallowed", "refused", "unreachable"])
def test_ipv4_is_taken(stage, address):
    host = Host(stage)
    name = zones_named(1)[0]
    hosts = write(os.path.join(host.ca.folder, "hosts"), f"127.0.0.1 localhost\n{address} ca.test\n127.0.0.1 ca.test\n")
    p = Perdure(stage, {"cas": [host.ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"name": name, "names": [name]}]})
    run = p.run
    p.run = lambda *args: run(*args, wrap=[*BY_HOSTS, hosts], timeout=LESS_THAN_ONE_TIME_OUT)
    before = host.swallowed()
    with host.net.inside():
        set_up_account(p)
        p.run("renew").ok()
        assert p.run("renew", "--exit-code").rc == 3
    assert len(host.ca.certificates()) == 1
    if address == NOBODY:
        assert host.swallowed() > before, "IPv6 was not tried"


@pytest.mark.parametrize("version, there, elsewhere", [(4, "127.0.0.1", NOBODY), (6, NOBODY, "127.0.0.1")])
def test_one_version_only(stage, version, there, elsewhere):
    """An address of the other version is none; the CA listens at the IPv4 one."""
    host = Host(stage)
    p = Perdure(stage, {"cas": [host.ca.config_entry(ip_version=version)], "dns": {"mode": "none"}, "certificates": [{"names": ["a.test"]}]},
                binary=program())
    with host.net.inside():
        for addresses, rc in (([elsewhere, there], 0 if version == 4 else 75), ([elsewhere], 75)):
            hosts = write(os.path.join(host.ca.folder, "hosts"), "".join(f"{a} ca.test\n" for a in addresses))
            done = p.run("ca", "probe", "testca", wrap=[*BY_HOSTS, hosts], env={"PERDURE_TIME_RATE": "10"})
            assert done.rc == rc and (not rc or "ca.test" in done.err), done
