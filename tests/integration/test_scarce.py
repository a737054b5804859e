"""
Descriptors and memory run out, and nobody reads what is printed: the run fails in words or goes on, and the next plain one finds
everything in order.
"""
import os
import subprocess

import invariants
import pytest
from e2e import plain_path
from harness import Perdure, TestCA, set_up_account, zones_named


@pytest.fixture
def world(stage):
    names = zones_named(3)
    ca = TestCA(stage)
    p = Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "archive": {"keep": 1000},
                        "certificates": [{"name": x, "names": [x, "*." + x]} for x in names]}, binary=plain_path())
    set_up_account(p)
    return p, ca, names


def limited(limit):
    return ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh"]


def test_descriptors(world):
    """From too few to begin with to enough: never a crash, never a certificate lost."""
    p, ca, names = world
    failed = 0
    for n in range(4, 40, 2):
        done = p.run("renew", "--force-renewal", wrap=limited(f"-n {n}"))
        assert done.rc in (0, 1, 2, 4, 75), f"{n} descriptors: {done}"
        assert done.rc == 0 or done.err or "failed" in done.out or "parked" in done.out, done
        failed += done.rc != 0
        invariants.at_any_moment(p, names)
    assert 3 < failed < 18
    p.run("renew", *names).ok()
    invariants.at_rest(p, names, ca, given_up=(0, 3 * failed))


def test_memory(world):
    """An allocation that fails may end the process; the state is as after any other end."""
    p, ca, names = world
    failed = 0
    least = next(k for k in range(8 << 10, 400 << 10, 512) if p.run("--version", wrap=limited(f"-v {k}")).rc == 0)
    # In small steps, from what is enough to begin with.
    tried = [*range(least, least + 3072, 512), 400 << 10]
    for kilobytes in tried:
        done = p.run("renew", "--force-renewal", wrap=limited(f"-v {kilobytes}"))
        failed += done.rc != 0
        invariants.at_any_moment(p, names)
    assert 0 < failed < len(tried)
    p.run("renew", *names).ok()
    invariants.at_rest(p, names, ca, given_up=(0, 3 * failed))


def test_nobody_reads(world):
    """Standard output and standard error are a pipe without a reader: the work is done all the same."""
    p, ca, names = world
    reader, writer = os.pipe()
    os.close(reader)
    subprocess.run(p.command("renew"), env=p.environment(), stdout=writer, stderr=writer, timeout=60, check=False)
    os.close(writer)
    assert p.run("renew", "--exit-code").rc == 3
    invariants.at_rest(p, names, ca)
