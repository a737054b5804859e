"""
The files of examples/audit do what they say: the commands in them run, against a zone server that stands in for the world, and the files
around the commands are read by those they are for, as far as these are here.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
import yaml

import harness
from small_servers import Directory, ZoneServer, free_port_on

FOLDER = os.path.join(harness.ROOT, "examples/audit")
ZONE = "example.com"
ACCOUNT = "https://dv.acme-v02.api.pki.goog/account/1234"
GOOD = f'_validation-persist.good TXT "pki.goog;accounturi={ACCOUNT}"'
EVIL = '_validation-persist.good TXT "evil.example;accounturi=x"'


class Host:
    """A folder as a job finds it, with `perdure` in $PATH, and a configuration whose DNS is a server of the zone."""

    def __init__(self, stage):
        self.port = free_port_on(["127.0.0.1"])
        self.server = ZoneServer(stage, "127.0.0.1", self.port, ZONE, [GOOD])
        self.ca = Directory(stage, {"caaIdentities": ["pki.goog"]})
        entry = self.ca.config_entry()
        entry["account"]["url"] = ACCOUNT
        stub = {"zone": ZONE, "servers": ["127.0.0.1"], "port": self.port}
        self.p = harness.Perdure(stage, {"cas": [entry], "dns": {"stubs": [stub], "timeout": "1s"}, "certificates": [{"names": ["good." + ZONE]}]})
        self.work = stage.folder("work")
        for folder in ("zones", "bin"):
            os.mkdir(os.path.join(self.work, folder))
        os.symlink(harness.perdure_path(), os.path.join(self.work, "bin/perdure"))
        head = f"@ SOA ns host 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.1\n@ A 192.0.2.1\ngood A 192.0.2.1\n"
        self.zone = harness.write(os.path.join(self.work, f"zones/{ZONE}.zone"), head + GOOD + "\n")
        harness.write(os.path.join(self.work, "zones/names.txt"), f"good.{ZONE}\n")

    def sh(self, script, **env):
        """As a CI system runs it: the shell ends at the first command that fails."""
        return subprocess.run(["/bin/bash", "-e", "-c", script], cwd=self.work, capture_output=True, text=True, timeout=60, check=False,
                              env={**self.p.environment(), **env, "PERDURE_CONFIG": self.p.config_file,
                                   "PATH": os.path.join(self.work, "bin") + ":" + os.environ["PATH"]})

    def file(self, name):
        return os.path.join(self.work, name)

    def spoil_zone_file(self):
        harness.write(self.zone, harness.read(self.zone) + EVIL + "\n")


@pytest.fixture
def host(stage):
    return Host(stage)


def read_yaml(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        return yaml.safe_load(f)


def commands(script):
    return [line for line in script.replace("\\\n", " ").splitlines() if line.strip().startswith("perdure ")]


def baseline(host):
    done = host.sh(f"perdure audit --names zones/names.txt --allow-issuer pki.goog --account-uri {ACCOUNT} "
                   "--baseline zones/audit.jsonl --update-baseline")
    assert done.returncode == 0, done


def test_github(host):
    doc = read_yaml("github-actions.yml")
    assert set(doc[True]) == {"push", "pull_request", "schedule"}  # "on" is a boolean in YAML 1.1
    assert doc["permissions"]["security-events"] == "write"
    runs = {name: [c for step in job["steps"] for c in commands(step.get("run", ""))] for name, job in doc["jobs"].items()}
    uploads = [s["with"]["sarif_file"] for job in doc["jobs"].values() for s in job["steps"] if "upload-sarif" in s.get("uses", "")]
    assert uploads == ["zone.sarif", "served.sarif"]
    (zone,), (served,) = runs["zone"], runs["served"]
    assert host.sh(zone, **doc["env"]).returncode == 0
    host.spoil_zone_file()
    assert host.sh(zone, **doc["env"]).returncode == 5
    results = json.loads(harness.read(host.file("zone.sarif")))["runs"][0]["results"]
    assert [r["ruleId"] for r in results if r["level"] == "error"] == ["PD201"]
    baseline(host)
    assert host.sh(served, **doc["env"]).returncode == 0
    assert json.loads(harness.read(host.file("served.sarif")))["runs"][0]["results"] == []
    host.server.change([GOOD, EVIL])
    assert host.sh(served, **doc["env"]).returncode == 5
    results = json.loads(harness.read(host.file("served.sarif")))["runs"][0]["results"]
    assert {r["ruleId"] for r in results} == {"PD201", "PD901"}


def test_gitlab(host):
    doc = read_yaml("gitlab-ci.yml")
    (zone,), (served,) = doc["audit-zone"]["script"], doc["audit-served"]["script"]
    report = doc[".audit"]["artifacts"]["reports"]["junit"]
    assert doc["audit-zone"]["extends"] == doc["audit-served"]["extends"] == ".audit"
    assert host.sh(zone, **doc["variables"]).returncode == 0
    host.spoil_zone_file()
    assert host.sh(zone, **doc["variables"]).returncode == 5
    failures = ET.parse(host.file(report)).getroot().findall("testsuite/testcase/failure")
    assert len(failures) == 1 and "allow-list" in failures[0].get("message")
    baseline(host)
    assert host.sh(served, **doc["variables"]).returncode == 0


def test_cron(host):
    (line,) = [x for x in harness.read(os.path.join(FOLDER, "cron")).splitlines() if re.match(r"[\d*]", x)]
    fields = line.split(None, 6)
    assert all(re.fullmatch(r"\*|\d+", f) for f in fields[:5]) and fields[5] == "root" and "%" not in line
    command = fields[6].replace("/var/lib/perdure-audit/", host.file("zones/"))
    first = shlex.join(shlex.split(command)[:2] + ["--baseline", shlex.split(command)[-1], "--update-baseline"])
    host.sh(first)
    done = host.sh(command)
    assert done.returncode == 0 and done.stdout == "" and done.stderr == "", "cron mails nothing when there is nothing new"
    host.server.change([GOOD, EVIL])
    done = host.sh(command)
    assert done.returncode == 5 and "PD901" in done.stdout and "PD201" in done.stdout


def unit_values(name):
    text = harness.read(os.path.join(FOLDER, name))
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))


def test_systemd(host):
    service, timer = unit_values("perdure-audit.service"), unit_values("perdure-audit.timer")
    assert service["SuccessExitStatus"] == "5" and service["Type"] == "oneshot" and timer["OnCalendar"] == "hourly"
    command = service["ExecStart"].replace("/usr/local/bin/perdure", "perdure").replace("/var/lib/perdure-audit/", host.work + "/")
    done = host.sh(command)
    assert done.returncode in (0, 5), done
    text = harness.read(host.file("perdure.prom"))
    assert 'perdure_audit_findings{rule="PD201"' in text and text.endswith("# EOF\n")
    assert os.stat(host.file("perdure.prom")).st_mode & 0o777 == 0o644


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_units_are_read(stage):
    """By systemd itself. The program must exist, and documentation and users are none of its business here."""
    folder = stage.folder("units")
    for name in ("perdure-audit.service", "perdure-audit.timer"):
        text = harness.read(os.path.join(FOLDER, name)).replace("/usr/local/bin/perdure", harness.perdure_path())
        harness.write(os.path.join(folder, name), re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *(os.path.join(folder, n) for n in sorted(os.listdir(folder)))],
                          capture_output=True, text=True, timeout=60, check=False)
    if "Failed to initialize manager" in done.stderr or "Failed to setup" in done.stderr:
        pytest.skip("systemd-analyze cannot work here: " + done.stderr.strip()[:200])
    assert done.returncode == 0 and "perdure" not in done.stderr, done.stderr
