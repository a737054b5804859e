"""`make demo` in small, and that it leaves nothing running however it ends."""
import os
import signal
import subprocess

import pytest

import harness

DEMO = ["/usr/bin/python3", os.path.join(harness.ROOT, "tools/demo.py"), "--count", "3"]


def processes_of(folder):
    """Command lines of processes that name a folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def run_env(tmp_path, **more):
    return {**os.environ, "TMPDIR": str(tmp_path), **more}


def test_demo(tmp_path):
    done = subprocess.run(DEMO, env=run_env(tmp_path, PERDURE_BIN=harness.plain_path()), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "demo: 3 issued, 3 renewed, 0 DNS writes while renewing"
    assert os.listdir(tmp_path) == [] and processes_of(tmp_path) == []


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_demo_leaves_nothing(tmp_path, sig):
    stuck = tmp_path / "stuck"
    stuck.write_text(f"#!/bin/sh\ntouch {tmp_path}/reached\nexec sleep 600\n")
    stuck.chmod(0o755)
    folder = tmp_path / "tmp"
    folder.mkdir()
    p = subprocess.Popen(DEMO, env=run_env(folder, PERDURE_BIN=str(stuck)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    try:
        harness.wait_until("the demo to run the program", 30, (tmp_path / "reached").exists)
        assert len(processes_of(folder)) >= 2, "Knot and Pebble run"
        p.send_signal(sig)
        out, _ = p.communicate(timeout=30)
    finally:
        p.kill()
    assert p.returncode != 0, out
    assert processes_of(folder) == [] and os.listdir(folder) == []


def test_a_failing_program_fails_the_demo(tmp_path):
    done = subprocess.run(DEMO, env=run_env(tmp_path, PERDURE_BIN="/bin/false"), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode != 0 and "demo: failed" in done.stderr
    assert "0 DNS writes" not in done.stdout
    assert os.listdir(tmp_path) == [] and processes_of(tmp_path) == []
