"""The units for systemd: what systemd itself thinks of them. test_systemd.py starts them."""
import os
import re
import shutil
import subprocess

import pytest
from e2e import plain_path
from harness import ROOT, read, tool, write

FOLDER = os.path.join(ROOT, "packaging/systemd")
EXPOSURE_MAX = 2.0


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """As they are installed, with a program that exists."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("NO UNIT TEST: systemd-analyze is not installed")
    folder = tmp_path_factory.mktemp("units")
    program = folder / "perdure"
    write(str(program), "#!/bin/sh\n", 0o755)
    for name in os.listdir(FOLDER):
        if name.endswith((".service", ".timer", ".path")):
            write(str(folder / name), read(os.path.join(FOLDER, name)).replace("@bindir@", str(folder)))
    return folder


def analyze(units, *args):
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:/usr/lib/systemd/system"}
    return subprocess.run(["systemd-analyze", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, env=env).stdout


@pytest.mark.parametrize("name", ["perdure.service", "perdure-renew.service", "perdure-hand-out@.service"])
def test_exposure(units, name):
    out = analyze(units, "security", "--offline=yes", str(units / name))
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
    assert found and float(found[1]) <= EXPOSURE_MAX, out


def test_understood(units):
    names = [n for n in os.listdir(units) if n.endswith((".service", ".timer", ".path")) and "@" not in n]
    assert len(names) == 3
    out = analyze(units, "verify", "--man=no", *[str(units / n) for n in names])
    # The machine's own units may have their troubles.
    assert not [line for line in out.splitlines() if "perdure" in line], out


def test_the_image_has_the_libraries():
    """The container file is not built here; what the program is linked with is what it installs. Debian 13 has "t64" in some names."""
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", tool("readelf", "-d", plain_path()))
    owners = re.findall(r"^(\S+?):", tool("dpkg", "-S", *[f"*-linux-gnu/{name}" for name in needed]), re.M)
    text = read(os.path.join(ROOT, "packaging/container/Containerfile"))
    image = text[text.rindex("--no-install-recommends"):text.index("rm -rf")]
    installed = {name.replace("t64", "") for name in re.findall(r"lib\S+", image)}
    assert len(owners) >= len(needed) > 10
    assert {name.replace("t64", "") for name in owners} - {"libc6"} == installed


def test_the_daemon_has_no_capability():
    text = read(os.path.join(FOLDER, "perdure.service"))
    assert re.search(r"^CapabilityBoundingSet=$", text, re.M) and re.search(r"^NoNewPrivileges=yes$", text, re.M)
