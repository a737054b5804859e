"""
The daemon killed at any moment, again and again, while its certificates of a minute are renewed all the time: an hour of work, so to speak,
in a few seconds; with --long, ten minutes of it.
"""
import os
import random
import time

import invariants
import pytest
from harness import Knot, Perdure, TestCA, p_config, publish_records, read, set_up_account, wait_until, zones_named

NAMES = zones_named(12)


def killed_for(stage, seconds, seed):
    knot = Knot(stage, NAMES)
    ca = TestCA(stage, knot.address, lifetime=4)
    p = Perdure(stage, p_config(ca, knot, NAMES, daemon={"interval": "10s"}, archive={"keep": 1000}))
    set_up_account(p)
    publish_records(p, knot)
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    kills = 0
    while time.monotonic() < end:
        daemon = p.start("run", log=os.path.join(p.folder, "daemon.log"))
        # Mostly while it works at once on what is due, now and then while it sleeps.
        time.sleep(chance.choice((0.05, 0.15, 0.3, 0.6, 1.2)) * chance.uniform(0.5, 1.5))
        assert daemon.poll() is None, read(os.path.join(p.folder, "daemon.log"))
        daemon.kill()
        daemon.wait()
        kills += 1
        invariants.at_any_moment(p, NAMES)
    # The next one goes on by itself, to a rest.
    daemon = p.start("run", log=os.path.join(p.folder, "daemon.log"))
    wait_until("a socket", 20, lambda: os.path.exists(p.state_dir + "/control"))
    wait_until("every certificate", 30, lambda: invariants.at_any_moment(p, NAMES) == len(NAMES))
    wait_until("rest", 30, lambda: not p.run("control", "status", "--json").ok().json()["running"])
    p.run("control", "stop").ok()
    assert daemon.wait(20) == 0
    assert len(ca.certificates()) > len(NAMES) and kills > 5
    p.run("renew", "--no-deploy")
    invariants.at_rest(p, NAMES, ca)


def test_killed_at_any_moment(stage):
    killed_for(stage, 8, 1)


@pytest.mark.long
def test_killed_for_long(stage):
    killed_for(stage, 600, 2)
