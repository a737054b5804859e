"""The ACME client of src/acme (through acme_tool) against a real Pebble, with pebble-challtestsrv as its DNS."""
import json
import os
import re
import subprocess
import urllib.request

import pytest

import harness

TOOL = os.environ.get("ACME_TOOL") or os.path.join(os.path.dirname(harness.perdure_path()), "tests/integration/acme_tool")


class Dns:
    """pebble-challtestsrv: answers what it is told."""

    def __init__(self, stage):
        dns, self.management = harness.free_port(), harness.free_port()
        self.address = f"127.0.0.1:{dns}"
        folder = stage.folder("dns")
        stage.spawn([os.path.join(os.path.dirname(harness.pebble_path()), "pebble-challtestsrv"), "-http01", "", "-https01", "",
                     "-tlsalpn01", "", "-doh", "", "-dnsserver", self.address, "-management", f"127.0.0.1:{self.management}",
                     "-defaultIPv6", "", "-defaultIPv4", ""], os.path.join(folder, "log"))
        harness.wait_until("challtestsrv to answer", 10, self._up)

    def _up(self):
        try:
            self.set("_up.test", "x")
        except OSError:
            return False
        return True

    def set(self, owner, value):
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}/set-txt",
                                         json.dumps({"host": owner + ".", "value": value}).encode())
        urllib.request.urlopen(request, timeout=5).read()

    def publish(self, account, *names):
        for name in names:
            self.set("_validation-persist." + name, f"ca.test;accounturi={account};policy=wildcard")


class Tool:
    """acme_tool with one account key."""

    def __init__(self, stage, ca):
        self.ca, self.key = ca, os.path.join(stage.folder("tool"), "account.pem")

    def run(self, *args, ok=True):
        p = subprocess.run([TOOL, "--directory", self.ca.dir_url, "--ca-bundle", self.ca.ca_bundle, "--key", self.key, *args],
                           capture_output=True, text=True, timeout=120, check=False)
        assert "Sanitizer" not in p.stderr, p.stderr
        assert (p.returncode == 0) == ok, p.stdout + p.stderr
        return p.stdout

    def register(self, *args):
        return re.search(r"^account (\S+) valid (?:created|found)$", self.run(*args, "register"), re.M).group(1)


def spent(out):
    """(requests, repeats) of every certificate line."""
    return [(int(a), int(b)) for a, b in re.findall(r"^certificate .* requests=(\d+) repeats=(\d+) ", out, re.M)]


@pytest.fixture
def world(stage):
    def make(**options):
        dns = Dns(stage)
        ca = harness.Pebble(stage, dns.address, **options)
        return dns, ca, Tool(stage, ca)

    return make


def test_account(world):
    _, _, tool = world()
    assert "accountDoesNotExist" in tool.run("--only-existing", "register", ok=False)
    terms = tool.run("--no-tos", "register", ok=False)
    assert "userActionRequired" in terms and "hint: read the terms of service at " in terms
    url = tool.register()
    assert " found\n" in tool.run("register")
    assert tool.register("--only-existing") == url


def test_external_account_binding(world):
    _, ca, tool = world(eab=True)
    refused = tool.run("register", ok=False)
    assert "externalAccountRequired" in refused and "hint: " in refused
    assert "unauthorized" in tool.run("--eab", "other:" + ca.eab_key, "register", ok=False)
    tool.register("--eab", f"{ca.eab_kid}:{ca.eab_key}")


def test_pending_orders_with_bad_nonces(world):
    dns, _, tool = world()
    dns.publish(tool.register(), "a.test", "b.test")
    out = tool.run("--count", "10", "order", "a.test,*.a.test", "b.test")
    assert out.count("\ncertificate ") == 20 and "done failed=0" in out
    names = re.findall(r"^certificate (\S+) ", out, re.M)
    for name, (requests, repeats) in zip(names, spent(out)):
        assert requests - repeats <= 4 + 3 * len(name.split(","))
    offers = re.findall(r"^offer (\S+) level=(\d) issuers=(\S+) account_uri=(\S+)$", out, re.M)
    assert {o[0] for o in offers} == {"a.test", "*.a.test", "b.test"} and {o[1:3] for o in offers} == {("1", "ca.test")}


def test_half_of_all_nonces_refused(world):
    dns, _, tool = world(nonce_reject=50)
    dns.publish(tool.register(), "a.test")
    out = tool.run("--count", "25", "order", "a.test")
    assert out.count("\ncertificate ") == 25
    assert int(re.search(r"bad_nonces=(\d+)", out).group(1)) > 50


def test_valid_authorizations_are_used_again(world):
    dns, _, tool = world(authz_reuse=100)
    dns.publish(tool.register(), "a.test", "b.test")
    out = tool.run("order", "a.test,b.test", "a.test,b.test", "a.test,b.test")
    assert out.count("\ncertificate ") == 3 and out.count("offer ") == 2
    assert all(requests - repeats <= 4 + 2 for requests, repeats in spent(out)[1:])


def test_retry_after_is_waited_for(world):
    dns, _, tool = world(retry_after=1)
    dns.publish(tool.register(), "a.test")
    for requests, repeats in spent(tool.run("--count", "2", "order", "a.test")):
        assert requests - repeats <= 7


def test_interrupted_orders_go_on(world):
    dns, _, tool = world()
    dns.publish(tool.register(), "a.test")
    out = tool.run("--interrupt", "7", "--count", "28", "order", "a.test,*.a.test")
    assert out.count("\ncertificate ") == 28


def test_refused_by_the_ca(world):
    dns, _, tool = world()
    dns.publish("https://elsewhere.test/account/1", "b.test")
    dns.publish(tool.register(), "a.test")
    out = tool.run("order", "a.test,b.test", ok=False)
    assert "lost=1" in out and "failed: acme " in out
    subs = re.findall(r"^  sub (\S+) urn:ietf:params:acme:error:unauthorized: ", out, re.M)
    assert subs == ["b.test"]


def test_refused_by_the_judge(world):
    dns, _, tool = world()
    dns.publish(tool.register(), "a.test")
    out = tool.run("--judge", "refused", "order", "a.test,*.a.test", ok=False)
    assert "lost=0" in out and "failed: policy " in out and "retry=3" in out
    assert sorted(re.findall(r"^  sub (\S+) ", out, re.M)) == ["*.a.test", "a.test"]
    assert "warning: dns " in tool.run("--judge", "unknown", "order", "a.test")


def test_alternate_chain(world):
    dns, ca, tool = world(alternates=2)
    dns.publish(tool.register(), "a.test")
    roots = [subprocess.run(["openssl", "x509", "-noout", "-subject", "-nameopt", "multiline"], input=ca.get(f"{ca.mgmt_url}/roots/{i}"),
                            capture_output=True, check=True).stdout.decode() for i in range(3)]
    for root in roots:
        name = re.search(r"commonName\s*=\s*(.*)", root).group(1).strip()
        assert "warning" not in tool.run("--preferred-chain", name, "order", "a.test"), name
    assert 'goes to "Nobody"; its default chain is used' in tool.run("--preferred-chain", "Nobody", "order", "a.test")


def test_profile_and_replaces(world):
    dns, _, tool = world()
    dns.publish(tool.register(), "a.test")
    assert "invalidProfile" in tool.run("--profile", "none-such", "order", "a.test", ok=False)
    ari = re.search(r" ari=(\S+) ", tool.run("--profile", "tiny", "order", "a.test")).group(1)
    assert "warning" not in tool.run("--replaces", ari, "order", "a.test")
    assert "alreadyReplaced" in tool.run("--replaces", ari, "order", "a.test")


def test_refused_name(world):
    _, _, tool = world()
    tool.register()
    assert "rejectedIdentifier" in tool.run("order", "x.blocked-domain.example", ok=False)
