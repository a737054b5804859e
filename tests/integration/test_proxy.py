"""The way to a CA: by a real proxy (tinyproxy, microsocks), with user and password, refused, absent; by one kind of addresses."""
import os
import re
import socket

import pytest

from harness import Knot, Pebble, Perdure, free_port, p_config, publish_records, read, set_up_account, wait_until, write
from test_scenarios import program

USER, PASSWORD = "perdure", "canary-proxy-password"
QUICK = {"PERDURE_TIME_RATE": "60"}


class Proxy:
    """A proxy at a port of loopback; it asks for USER and PASSWORD where told to."""

    def __init__(self, stage, kind, auth=False, ports=()):
        self.port, folder = free_port(), stage.folder(kind)
        self.log, self.at = os.path.join(folder, "log"), f"127.0.0.1:{self.port}"
        if kind == "socks":
            argv = ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *(["-u", USER, "-P", PASSWORD] if auth else [])]
        else:
            lines = ["Listen 127.0.0.1", f"Port {self.port}", "Timeout 60", "LogLevel Info", *[f"ConnectPort {n}" for n in ports]]
            lines += [f"BasicAuth {USER} {PASSWORD}"] if auth else []
            argv = ["tinyproxy", "-d", "-c", write(os.path.join(folder, "conf"), "\n".join(lines) + "\n")]
        stage.spawn(argv, self.log)
        wait_until(f"{kind} to listen", 20, self.listens)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def connects(self):
        """The hosts and ports it was asked for."""
        return re.findall(r": CONNECT (\S+) HTTP/1", read(self.log))


@pytest.fixture
def ca(make_testca):
    return make_testca(always_valid=True)


@pytest.fixture
def auth_file(stage):
    return write(os.path.join(stage.folder("auth"), "proxy.auth"), f"{USER}:{PASSWORD}\n", 0o600)


def probe(stage, ca, env=None, defaults=None, **entry):
    """`ca probe`, which asks for the directory; what it says holds no password."""
    p = Perdure(stage, {"cas": [ca.config_entry(**entry)], "defaults": defaults or {"ca": ["testca"]}, "dns": {"mode": "none"},
                        "certificates": [{"names": ["a.test"]}]}, binary=program())
    done = p.run("ca", "probe", "testca", env={**QUICK, **(env or {})})
    assert PASSWORD not in done.out + done.err
    return done


def test_certificate_by_a_proxy(stage, auth_file):
    """A whole issuance at Pebble, each connection by the proxy."""
    proxy, knot = Proxy(stage, "http", auth=True), Knot(stage, ["a.test"])
    pebble = Pebble(stage, knot.address)
    p = Perdure(stage, p_config(pebble, knot, ["a.test"], {"proxy": f"http://{proxy.at}", "proxy_auth_file": auth_file}))
    set_up_account(p)
    publish_records(p, knot)
    before = len(proxy.connects())
    p.run("renew").ok()
    host = pebble.dir_url.split("/")[2]
    assert len(proxy.connects()) > before > 0 and set(proxy.connects()) == {host}
    assert "BEGIN CERTIFICATE" in read(p.live("a.test", "fullchain.pem"))


def test_refused(stage, ca, auth_file):
    asks, port = Proxy(stage, "http", auth=True), int(ca.dir_url.split(":")[2].split("/")[0])
    url = f"http://{asks.at}"
    done = probe(stage, ca, proxy=url)
    assert done.rc == 1 and "407" in done.err and f"through the proxy {url}" in done.err and "asks for user" in done.err, done
    assert "proxy_auth_file" in done.err
    other = write(auth_file + "2", f"{USER}:wrong\n", 0o600)
    done = probe(stage, ca, proxy=url, proxy_auth_file=other)
    assert done.rc == 1 and "did not take user name and password" in done.err and url in done.err, done
    strict = Proxy(stage, "http", ports=[port + 1])
    done = probe(stage, ca, proxy=f"http://{strict.at}")
    assert done.rc == 1 and "403" in done.err and strict.at in done.err and "its rules must let this host through" in done.err, done
    os.chmod(auth_file, 0o644)
    done = probe(stage, ca, proxy=url, proxy_auth_file=auth_file)
    assert done.rc in (1, 2) and auth_file in done.err and "proxy_auth_file" in done.err, done


def test_absent(stage, ca):
    """No proxy there, a name that is none, and a proxy that finds no server: each is tried again later."""
    nobody = f"http://127.0.0.1:{free_port()}"
    for url, words in ((nobody, "no connection"), ("http://proxy.invalid:3128", "the proxy's name cannot be resolved")):
        done = probe(stage, ca, proxy=url)
        assert done.rc == 75 and words in done.err and f"through the proxy {url}" in done.err, done
    proxy = Proxy(stage, "http")
    ca.stop()
    done = probe(stage, ca, proxy=f"http://{proxy.at}")
    assert done.rc == 75 and "no way to the server" in done.err and proxy.at in done.err, done


def test_environment(stage, ca):
    proxy = Proxy(stage, "http", auth=True)
    nobody = f"http://127.0.0.1:{free_port()}"
    good = f"http://{USER}:{PASSWORD}@{proxy.at}"
    probe(stage, ca, env={"https_proxy": good}).ok()
    assert len(proxy.connects()) == 1
    # What the configuration says wins over it, no_proxy too; for one CA or for all.
    for given in ({"proxy": "none"}, {"defaults": {"ca": ["testca"], "proxy": "none"}}):
        probe(stage, ca, env={"https_proxy": good}, **given).ok()
    assert len(proxy.connects()) == 1
    done = probe(stage, ca, env={"no_proxy": "*"}, defaults={"ca": ["testca"], "proxy": nobody})
    assert done.rc == 75 and nobody in done.err, done
    probe(stage, ca, defaults={"ca": ["testca"], "proxy": nobody}, proxy="none").ok()
    # A password in it is told to nobody, whether the proxy refuses, is absent, or is no URL.
    secret = f"{USER}:{PASSWORD}"
    for value, words in ((f"http://{secret}1@{proxy.at}", "did not take"), (f"http://{secret}@127.0.0.1:{nobody[17:]}", "no connection"),
                         (f"http://{secret}@127.0.0.1:none", "cannot be used"), (f"gopher://{secret}@127.0.0.1:1", "cannot be used")):
        done = probe(stage, ca, env={"https_proxy": value})
        assert done.rc and words in done.err and "through the proxy" in done.err and "127.0.0.1" in done.err, (value, done)


def test_socks(stage, ca, auth_file):
    proxy = Proxy(stage, "socks", auth=True)
    for scheme in ("socks5", "socks5h"):
        probe(stage, ca, proxy=f"{scheme}://{proxy.at}", proxy_auth_file=auth_file).ok()
    done = probe(stage, ca, proxy=f"socks5h://{proxy.at}")
    assert done.rc == 1 and "asks for user name and password" in done.err and f"socks5h://{proxy.at}" in done.err, done
    ca.stop()
    done = probe(stage, ca, proxy=f"socks5h://{proxy.at}", proxy_auth_file=auth_file)
    assert done.rc == 75 and "no way to the server" in done.err and proxy.at in done.err, done


@pytest.mark.parametrize("entry, words", [
    ({"proxy": f"http://{USER}:{PASSWORD}@127.0.0.1:1"}, "proxy_auth_file"),
    ({"proxy": "http://proxy.example.com"}, "port"),
    ({"proxy": "ftp://proxy.example.com:1"}, "neither none nor"),
    ({"proxy_auth_file": "/nowhere"}, "no proxy"),
    ({"proxy": "none", "proxy_auth_file": "/nowhere"}, "no proxy"),
])
def test_configuration(stage, ca, entry, words):
    done = probe(stage, ca, **entry)
    assert done.rc == 2 and words in done.err and ":" in done.err, done


def test_one_kind_of_addresses(stage, make_testca):
    """A CA at ::1 alone, and one at 127.0.0.1 alone, asked with the other kind of addresses."""
    for version, address in ((4, "[::1]"), (6, "127.0.0.1")):
        there = make_testca(always_valid=True, listen=f"{address}:0")
        done = probe(stage, there, ip_version=version)
        assert done.rc == 75 and f"only IPv{version} was tried" in done.err and there.dir_url.split("/")[2] in done.err, done
        probe(stage, there, ip_version=10 - version).ok()
        probe(stage, there).ok()
