"""
The units under a real systemd: PID 1 of namespaces of its own, which sees our units and nothing else of the machine's. Skipped
where such namespaces cannot be had, by somebody else than root or in most containers.
"""
import json
import os
import re
import subprocess
import time

import pytest
from e2e import plain_path
from harness import ROOT, Perdure, TestCA, read, set_up_account, wait_until, write

SYSTEMD = "/lib/systemd/systemd"
JOURNAL = ("systemd-journald.service", "systemd-journald.socket")
SPACES = ["unshare", "--pid", "--fork", "--mount", "--uts", "--ipc", "--cgroup", "--kill-child"]
# Everything is private: what is mounted here is seen by nobody else.
GROUND = """#!/bin/bash
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
umount -lR /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/etc/u /run/etc/w /run/bin /run/generators
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/u,workdir=/run/etc/w /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
"""
BOOT = GROUND + """
cp -a {folder}/units /run/units
cp {program} /run/bin/perdure
cp -a {folder}/state {folder}/perdure.yaml {folder}/ca.pem /run/
systemd-sysusers {sysusers}
mkdir -p /etc/perdure
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' > /etc/systemd/journald.conf.d/test.conf
cp /run/perdure.yaml /run/ca.pem /etc/perdure/
chown -R perdure:perdure /etc/perdure
cp -a /run/state /var/lib/perdure
export container=perdure-test SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/generators
exec {systemd} --system --unit=ground.target --log-target=console --show-status=no
"""


class Machine:
    """A systemd that runs; its process as we see it."""

    def __init__(self, stage, p, folder):
        script = write(os.path.join(folder, "boot"), BOOT.format(
            folder=folder, program=plain_path(), systemd=SYSTEMD, sysusers=os.path.join(ROOT, "packaging/systemd/perdure.sysusers")), 0o755)
        self.log = os.path.join(folder, "boot.log")
        self.process = stage.spawn([*SPACES, script], self.log)
        self.pid = wait_until("systemd", 20, lambda: self.process.poll() is not None or self.child())
        assert self.process.poll() is None, read(self.log)
        wait_until("its bus", 20, lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"))

    def child(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            pids = f.read().split()
        return pids[0] if pids and "systemd" in read(f"/proc/{pids[0]}/comm") else None

    def run(self, *argv):
        return subprocess.run(["nsenter", "-t", self.pid, "-p", "-m", "-i", "-u", "-C", *argv], capture_output=True, text=True, timeout=60, check=False)

    def drop_in(self, unit, text):
        folder = f"/run/units/{unit}.d"
        self.ok("sh", "-c", 'mkdir -p "$0"; printf "%s" "$1" > "$0/test.conf"', folder, text)
        self.ok("systemctl", "daemon-reload")

    def show(self, unit):
        return dict(line.split("=", 1) for line in self.ok("systemctl", "show", unit).splitlines() if "=" in line)

    def ok(self, *argv):
        done = self.run(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}\n{read(self.log)}"
        return done.stdout


@pytest.fixture
def folder(stage):
    """Where such namespaces can be had."""
    folder = stage.folder("systemd")
    if os.geteuid() or not os.path.exists(SYSTEMD):
        pytest.skip("NO SYSTEMD: needs root and systemd")
    script = write(os.path.join(folder, "try"), GROUND, 0o755)
    tried = subprocess.run([*SPACES, script], capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode:
        pytest.skip("NO SYSTEMD: no namespaces with cgroups of their own: " + tried.stderr.strip()[-200:])
    return folder


@pytest.fixture
def machine(stage, folder):
    ca = TestCA(stage)
    config = {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.test"]}]}
    p = Perdure(stage, config)
    set_up_account(p)
    os.makedirs(os.path.join(folder, "units"))
    for name in ("ground", "sysinit", "basic", "shutdown", "network-online"):
        write(os.path.join(folder, f"units/{name}.target"), f"[Unit]\nDescription={name}\nDefaultDependencies=no\n")
    for name in os.listdir(os.path.join(ROOT, "packaging/systemd")):
        write(os.path.join(folder, "units", name), read(os.path.join(ROOT, "packaging/systemd", name)).replace("@bindir@", "/run/bin"))
    for name in JOURNAL:
        write(os.path.join(folder, "units", name), read(os.path.join("/lib/systemd/system", name)))
    write(os.path.join(folder, "units/web.service"),
          "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/bin/touch /run/web-reloaded\n")
    audit = read(os.path.join(ROOT, "examples/audit/perdure-audit.service"))
    write(os.path.join(folder, "units/perdure-audit.service"), audit.replace("/usr/local/bin/", "/run/bin/"))
    subprocess.run(["cp", "-a", p.state_dir, os.path.join(folder, "state")], check=True)
    write(os.path.join(folder, "ca.pem"), read(ca.ca_bundle))
    p.configure({**config, "state_dir": "/var/lib/perdure", "events": {"journald": True}, "cas": [ca.config_entry(ca_bundle="/etc/perdure/ca.pem")]})
    write(os.path.join(folder, "perdure.yaml"), read(p.config_file))
    m = Machine(stage, p, folder)
    yield m
    stage.end(m.process, grace=0)  # its PID 1 does not end by SIGTERM


def test_the_service_lives(machine):
    """It is ready when it says so, works in its sandbox, reaches the journal, reloads, and stops in good order."""
    machine.ok("systemctl", "start", *JOURNAL)
    machine.ok("systemctl", "start", "perdure.service")
    shown = machine.show("perdure.service")
    assert (shown["ActiveState"], shown["SubState"], shown["NRestarts"]) == ("active", "running", "0")
    live = "/var/lib/perdure/live/a.test/fullchain.pem"
    wait_until("a certificate", 20, lambda: machine.run("test", "-e", live).returncode == 0)
    assert machine.ok("stat", "-c", "%U %a", "/var/lib/perdure") == "perdure 700\n"
    status = machine.ok("cat", f"/proc/{shown['MainPID']}/status")
    assert re.search(r"^CapEff:\s0+$", status, re.M) and re.search(r"^NoNewPrivs:\s1$", status, re.M) and re.search(r"^Seccomp:\s2$", status, re.M)
    ask = ("journalctl", "-o", "json", "PERDURE_EVENT=certificate.issued")
    wait_until("the event in the journal", 20, lambda: machine.run(*ask).stdout)
    event = json.loads(machine.ok(*ask))
    assert (event["PERDURE_NAME"], event["PRIORITY"], event["_SYSTEMD_UNIT"]) == ("a.test", "5", "perdure.service")
    assert event["PERDURE_SEQ"] == str(json.loads(event["PERDURE_DATA"])["seq"])
    machine.ok("systemctl", "reload", "perdure.service")
    wait_until("the new configuration", 20, lambda: len(machine.run("journalctl", "-o", "cat", "PERDURE_EVENT=config.loaded").stdout.splitlines()) == 2)
    assert machine.show("perdure.service")["MainPID"] == shown["MainPID"]
    machine.ok("systemctl", "stop", "perdure.service")
    assert machine.ok("systemctl", "show", "-P", "Result", "perdure.service") == "success\n"
    # The audit beside it: it sees what is configured and the state, and whoever collects metrics may read what it says.
    machine.ok("systemctl", "start", "perdure-audit.service")
    assert machine.ok("systemctl", "show", "-P", "Result", "perdure-audit.service") == "success\n"
    found = machine.ok("setpriv", "--reuid=65534", "--clear-groups", "cat", "/var/lib/perdure-audit/perdure.prom")
    assert 'perdure_audit_names{seen="no"} 1\n' in found and found.endswith("# EOF\n"), found


def test_the_watchdog(machine):
    """The daemon says in time that it is alive; one that hangs is ended and started again."""
    machine.drop_in("perdure.service", "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n")
    machine.ok("systemctl", "start", "perdure.service")
    before = machine.show("perdure.service")["MainPID"]
    time.sleep(3.5)
    assert machine.show("perdure.service")["NRestarts"] == "0"
    machine.ok("kill", "-STOP", before)
    wait_until("another one", 40, lambda: machine.show("perdure.service")["NRestarts"] == "1" and
               machine.ok("systemctl", "show", "-P", "ActiveState", "perdure.service") == "active\n")
    assert machine.show("perdure.service")["MainPID"] not in ("0", before)
    machine.ok("systemctl", "stop", "perdure.service")
    assert machine.ok("systemctl", "show", "-P", "Result", "perdure.service") == "success\n"


def test_the_timer_and_the_helper(machine):
    """The timer starts a renewal; the helper gives a service its certificate, and reloads the service as the documentation says."""
    machine.ok("systemctl", "start", "perdure-hand-out@a.test.path", "web.service", "perdure-renew.timer")
    assert machine.show("perdure-renew.timer")["NextElapseUSecRealtime"]  # some time of the day
    # The directory that the path unit watches is made by the first renewal.
    machine.ok("systemctl", "stop", "perdure-renew.timer")
    machine.drop_in("perdure-renew.timer", "[Timer]\nOnCalendar=\nOnActiveSec=100ms\nAccuracySec=1ms\nRandomizedDelaySec=0\nPersistent=no\n")
    machine.drop_in("perdure-hand-out@a.test.service", "[Service]\nExecStartPost=+/usr/bin/systemctl try-reload-or-restart web.service\n")
    machine.ok("systemctl", "start", "perdure-renew.timer")
    wait_until("the service reloaded", 30, lambda: machine.run("test", "-e", "/run/web-reloaded").returncode == 0)
    renewal = machine.show("perdure-renew.service")
    assert (renewal["Result"], renewal["ActiveState"]) == ("success", "inactive")
    assert machine.show("perdure-hand-out@a.test.service")["Result"] == "success"
    place = "/etc/ssl/perdure/a.test"
    assert machine.ok("stat", "-c", "%U:%G %a", place, f"{place}/combined.pem", f"{place}/fullchain.pem") == \
        "root:ssl-cert 750\nroot:ssl-cert 640\nroot:root 644\n"
    assert machine.ok("ls", "-A", place) == "combined.pem\nfullchain.pem\n"
    for name in ("combined.pem", "fullchain.pem"):
        machine.ok("cmp", f"{place}/{name}", f"/var/lib/perdure/live/a.test/{name}")


def test_the_first_steps(folder):
    """The commands of docs/daemon.md on a machine that has the program and nothing else, up to the one that asks the CA."""
    (steps,) = re.findall(r"^```\n(systemd-sysusers\n.*?)^runuser [^\n]* account register", read(os.path.join(ROOT, "docs/daemon.md")), re.M | re.S)
    script = write(os.path.join(folder, "steps"), GROUND + f"""
        cp {plain_path()} /run/bin/perdure
        mkdir /run/sysusers.d
        cp {ROOT}/packaging/systemd/perdure.sysusers /run/sysusers.d/perdure.conf
        export PATH="/run/bin:$PATH"
        {steps}
        runuser -u perdure -- perdure config check
        ! perdure renew 2> /run/refused || exit 1
        grep -q "runuser -u perdure" /run/refused
        test -z "$(find /var/lib/perdure -user root)"
        cd /var/lib/perdure && stat -c "%U %a %n" . accounts/*/key.pem
    """, 0o755)
    done = subprocess.run([*SPACES, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("perdure 700 .\nperdure 600 accounts/letsencrypt/key.pem\n"), done.stdout
