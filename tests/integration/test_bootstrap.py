"""The bootstrap's own way to Pebble, on a machine whose Go is missing."""
import os
import shutil
import subprocess

import pytest

import harness

SCRIPT = os.path.join(harness.ROOT, "tools/bootstrap.sh")


def bootstrap(env, *sets, timeout=900):
    return subprocess.run([SCRIPT, *sets], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          check=False)


def test_nothing_missing_is_silent():
    done = bootstrap(dict(os.environ), "build", "demo", "test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_unknown_set_is_refused():
    done = bootstrap(dict(os.environ), "nonsense")
    assert done.returncode == 1 and "nonsense" in done.stderr


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="not a Debian system")
def test_pebble_without_the_machines_go(tmp_path, stage):
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(tmp_path), "PERDURE_TOOLS": str(tmp_path / "tools")}
    hidden = shutil.which("go", path=env["PATH"])
    done = bootstrap(env, "pebble")
    assert done.returncode == 0, done.stderr
    assert "building Pebble v2.10.1" in done.stderr
    if hidden is None:
        assert "/usr/local/" not in done.stderr and "Pebble needs Go 1.24 or later" in done.stderr
    assert sorted(os.listdir(tmp_path / "tools")) == ["bin"], "caches and the unpacked Go are removed again"
    knot = harness.Knot(stage, ["w01.bench.test"])
    ca = harness.Pebble(stage, knot.address, binary=str(tmp_path / "tools/bin/pebble"))
    assert b"newOrder" in ca.get(ca.dir_url)
    again = bootstrap(env, "pebble")
    assert (again.returncode, again.stderr) == (0, "")
