"""
perdure.service under a real systemd: PID 1 of namespaces of its own, which sees our units and nothing else of the machine's. Skipped
where such namespaces cannot be had, by somebody else than root or in most containers.
"""
import os
import re
import subprocess

import pytest
from e2e import plain_path
from harness import ROOT, Perdure, TestCA, read, set_up_account, wait_until, write

SYSTEMD = "/lib/systemd/systemd"
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
mount -t tmpfs tmpfs /var/lib
"""
BOOT = GROUND + """
cp -a {folder}/units /run/units
cp {program} /run/bin/perdure
cp -a {folder}/state {folder}/perdure.yaml {folder}/ca.pem /run/
systemd-sysusers {sysusers}
mkdir -p /etc/perdure
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

    def ok(self, *argv):
        done = self.run(*argv)
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}\n{read(self.log)}"
        return done.stdout


@pytest.fixture
def machine(stage):
    folder = stage.folder("systemd")
    if os.geteuid() or not os.path.exists(SYSTEMD):
        pytest.skip("NO SYSTEMD: needs root and systemd")
    script = write(os.path.join(folder, "try"), GROUND, 0o755)
    tried = subprocess.run([*SPACES, script], capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode:
        pytest.skip("NO SYSTEMD: no namespaces with cgroups of their own: " + tried.stderr.strip()[-200:])
    ca = TestCA(stage)
    config = {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": ["a.test"]}]}
    p = Perdure(stage, config)
    set_up_account(p)
    os.makedirs(os.path.join(folder, "units"))
    for name in ("ground", "sysinit", "basic", "shutdown", "network-online"):
        write(os.path.join(folder, f"units/{name}.target"), f"[Unit]\nDescription={name}\nDefaultDependencies=no\n")
    for name in os.listdir(os.path.join(ROOT, "packaging/systemd")):
        write(os.path.join(folder, "units", name), read(os.path.join(ROOT, "packaging/systemd", name)).replace("@bindir@", "/run/bin"))
    subprocess.run(["cp", "-a", p.state_dir, os.path.join(folder, "state")], check=True)
    write(os.path.join(folder, "ca.pem"), read(ca.ca_bundle))
    p.configure({**config, "state_dir": "/var/lib/perdure", "cas": [ca.config_entry(ca_bundle="/etc/perdure/ca.pem")]})
    write(os.path.join(folder, "perdure.yaml"), read(p.config_file))
    return Machine(stage, p, folder)


def test_the_service_lives(machine):
    """It is ready when it says so, works in its sandbox, reloads, and stops in good order."""
    machine.ok("systemctl", "start", "perdure.service")
    shown = dict(line.split("=", 1) for line in machine.ok("systemctl", "show", "perdure.service").splitlines() if "=" in line)
    assert (shown["ActiveState"], shown["SubState"], shown["NRestarts"]) == ("active", "running", "0")
    live = "/var/lib/perdure/live/a.test/fullchain.pem"
    wait_until("a certificate", 20, lambda: machine.run("test", "-e", live).returncode == 0)
    assert machine.ok("stat", "-c", "%U %a", "/var/lib/perdure") == "perdure 700\n"
    status = machine.ok("cat", f"/proc/{shown['MainPID']}/status")
    assert re.search(r"^CapEff:\s0+$", status, re.M) and re.search(r"^NoNewPrivs:\s1$", status, re.M) and re.search(r"^Seccomp:\s2$", status, re.M)
    machine.ok("systemctl", "reload", "perdure.service")
    wait_until("the new configuration", 20, lambda: machine.ok("systemctl", "show", "-P", "ActiveState", "perdure.service") == "active\n")
    machine.ok("systemctl", "stop", "perdure.service")
    assert machine.ok("systemctl", "show", "-P", "Result", "perdure.service") == "success\n"
    # The other way: what its timer starts.
    machine.ok("systemctl", "start", "perdure-renew.service")
    assert machine.ok("systemctl", "show", "-P", "Result", "perdure-renew.service") == "success\n"
