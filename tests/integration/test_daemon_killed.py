"""
The daemon killed at any moment, again and again, while its certificates of a minute are renewed all the time: an hour of work, so to speak,
in a few seconds. With --long, a whole hour of it, or as many seconds as KILL_SECONDS says; it prints what the hour came to.
"""
import os
import random
import time

import invariants
import pytest
from harness import Knot, Perdure, TestCA, p_config, publish_records, read, set_up_account, wait_until, zones_named


def killed_for(stage, seconds, seed, count, lifetime):
    """So many certificates of so many seconds; each may come to 1,000 generations, all of which are kept and compared with the CA's."""
    names = zones_named(count)
    knot = Knot(stage, names)
    ca = TestCA(stage, knot.address, lifetime=lifetime)
    p = Perdure(stage, p_config(ca, knot, names, daemon={"interval": "10s"}, archive={"keep": 1000}))
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
        invariants.at_any_moment(p, names)
    # The next one goes on by itself, to a rest.
    daemon = p.start("run", log=os.path.join(p.folder, "daemon.log"))
    wait_until("a socket", 20, lambda: os.path.exists(p.state_dir + "/control"))
    wait_until("every certificate", 30, lambda: invariants.at_any_moment(p, names) == len(names))
    wait_until("rest", 30, lambda: not p.run("control", "status", "--json").ok().json()["running"])
    p.run("control", "stop").ok()
    assert daemon.wait(20) == 0
    assert len(ca.certificates()) > len(names) and kills > 5
    p.run("renew", "--no-deploy")
    # An order whose URL died with the process before it was on disk is left at the CA, never finalized; the next one takes its place.
    given_up = [o for o in ca.orders() if not o["finalized"]]
    have = invariants.at_rest(p, names, ca, given_up=len(given_up))
    assert len(given_up) <= kills
    assert p.run("events", "verify").ok()
    print(f"{seconds} s: {kills} kills, {sum(map(len, have.values()))} certificates, none lost, none doubled; "
          f"{len(given_up)} orders were lost before their URL was on disk")


def test_killed_at_any_moment(stage):
    killed_for(stage, 8, 1, count=12, lifetime=4)


@pytest.mark.long
def test_killed_for_an_hour(stage):
    killed_for(stage, int(os.environ.get("KILL_SECONDS", "3600")), 2, count=24, lifetime=12)
