"""
State folders of other ACME clients, made by the clients themselves against Pebble (which lets every validation pass): certbot, lego
and dehydrated of Debian; acme.sh of Debian 13, unpacked by tools/bootstrap.sh where Debian is older; certbot of PyPI from
build/tools/python where that is there. Keys and certificates are made anew in each run.
"""
import os
import shutil
import subprocess

import pytest

import harness

TOOLS = os.environ.get("PERDURE_TOOLS") or os.path.join(harness.ROOT, "build/tools")
MAIL = "ops@bench.test"
# Hooks with what a shell minds in them.
RELOAD = "echo 'it''s done' \"$HOME\" && true"


def find(name, *more):
    """The first of the paths that exists, else what PATH has; skips the test where there is none."""
    for path in [*more, shutil.which(name)]:
        if path and os.access(path, os.X_OK):
            return path
    pytest.skip(f"NO {name.upper()}: tools/bootstrap.sh test installs it")
    return None


class Clients:
    """The clients, all at one CA, in folders of a stage."""

    def __init__(self, stage, ca):
        self.ca = ca
        self.top = stage.folder("clients")

    def run(self, *argv, **env):
        given = {"PATH": os.environ["PATH"], "HOME": self.top, "LANG": "C.UTF-8", "REQUESTS_CA_BUNDLE": self.ca.ca_bundle,
                 "LEGO_CA_CERTIFICATES": self.ca.ca_bundle, "CURL_CA_BUNDLE": self.ca.ca_bundle, "EXEC_PATH": "/bin/true", **env}
        p = subprocess.run(argv, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, env=given, check=False)
        if p.returncode:
            raise harness.HarnessError(f"{' '.join(argv)}: status {p.returncode}\n{p.stdout[-3000:]}\n{p.stderr[-3000:]}")

    def folder(self, name):
        path = os.path.join(self.top, name)
        os.makedirs(path, exist_ok=True)
        return path

    def certbot(self, zone, binary="/usr/bin/certbot"):
        """ZONE and its wildcard (EC, hooks); "odd.name_1" for www.ZONE and a.ZONE (RSA, key used again, must-staple)."""
        path, work = self.folder("letsencrypt"), self.folder("work")
        base = [find("certbot", binary), "certonly", "--non-interactive", "--agree-tos", "--server", self.ca.dir_url, "--config-dir", path,
                "--work-dir", work, "--logs-dir", work, "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", "/bin/true", "-m", MAIL]
        self.run(*base, "-d", zone, "-d", "*." + zone, "--key-type", "ecdsa", "--deploy-hook", RELOAD, "--pre-hook", "true")
        self.run(*base, "-d", "www." + zone, "-d", "a." + zone, "--key-type", "rsa", "--rsa-key-size", "2048", "--cert-name", "odd.name_1",
                 "--reuse-key", "--must-staple")
        hook = os.path.join(path, "renewal-hooks/deploy/reload.sh")
        harness.write(hook, "#!/bin/sh\nexit 0\n", 0o755)
        return path

    def lego(self, zone):
        """ZONE with its wildcard first (RSA), and a name that is not ASCII (EC)."""
        path = self.folder("lego")
        base = [find("lego"), "--server", self.ca.dir_url, "--accept-tos", "--email", MAIL, "--path", path, "--dns", "exec",
                "--dns.disable-cp"]
        quick = {"EXEC_PROPAGATION_TIMEOUT": "1", "EXEC_POLLING_INTERVAL": "1", "EXEC_SEQUENCE_INTERVAL": "1"}
        self.run(*base, "-d", "*." + zone, "-d", zone, "--key-type", "rsa2048", "run", **quick)
        self.run(*base, "-d", "xn--bcher-kva." + zone, "run", **quick)
        return path

    def dehydrated(self, zone):
        """ZONE and www.ZONE (RSA); "star" for the wildcards (EC, by a configuration of its own)."""
        path = self.folder("dehydrated")
        hook = harness.write(os.path.join(path, "hook.sh"), "#!/bin/sh\nexit 0\n", 0o755)
        config = harness.write(os.path.join(path, "config"), f"""
CA='{self.ca.dir_url}'
BASEDIR="{path}"   # here
HOOK={hook}
CHALLENGETYPE="dns-01"
CONTACT_EMAIL={MAIL}
KEY_ALGO=rsa
KEYSIZE=2048
ACCOUNT_KEYSIZE=2048
export PRIVATE_KEY_RENEW=no
CURL_OPTS="--cacert $CURL_CA_BUNDLE"
""")
        harness.write(os.path.join(path, "domains.txt"), f"# list\n{zone} www.{zone}\n*.{zone} *.b.{zone} > star\n")
        os.makedirs(os.path.join(path, "certs/star"))
        harness.write(os.path.join(path, "certs/star/config"), "KEY_ALGO=prime256v1\nPRIVATE_KEY_RENEW=yes\n")
        self.run(find("dehydrated"), "--config", config, "--register", "--accept-terms")
        self.run(find("dehydrated"), "--config", config, "--cron")
        return path

    def acmesh(self, zone):
        """ZONE with its wildcard (EC, installed copies, hooks), and the wildcard of b.ZONE alone (RSA)."""
        path, copies = self.folder("acme.sh"), self.folder("copies")
        script = find("acme.sh", os.path.join(TOOLS, "acme.sh/usr/share/acme.sh/acme.sh"), "/usr/share/acme.sh/acme.sh")
        os.makedirs(os.path.join(path, "dnsapi"))
        harness.write(os.path.join(path, "dnsapi/dns_none.sh"), "#!/usr/bin/env sh\ndns_none_add() { return 0; }\ndns_none_rm() { return 0; }\n")
        base = [script, "--home", path, "--server", self.ca.dir_url, "--ca-bundle", self.ca.ca_bundle]
        issue = [*base, "--issue", "--dns", "dns_none", "--dnssleep", "1", "--accountemail", MAIL]
        self.run(*issue, "-d", zone, "-d", "*." + zone, "--keylength", "ec-256", "--key-file", os.path.join(copies, "key.pem"),
                 "--fullchain-file", os.path.join(copies, "full.pem"), "--reloadcmd", RELOAD)
        self.run(*issue, "-d", "*.b." + zone, "--keylength", "2048")
        return path
