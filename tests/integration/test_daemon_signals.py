"""Signals at any moment of a daemon that always has something to do: each means what it means, and an end is an orderly one."""
import os
import random
import re
import signal
import time

import invariants
from harness import Knot, Perdure, TestCA, p_config, publish_records, read, set_up_account, wait_until, zones_named

NAMES = zones_named(8)


def waits_for_signals(pid):
    """Since it is perdure (and no longer the Python that starts it), SIGHUP is blocked."""
    blocked = re.search(r"^SigBlk:\s*([0-9a-f]+)$", read(f"/proc/{pid}/status"), re.M).group(1)
    return int(blocked, 16) & 1 << (signal.SIGHUP - 1)


def test_signals_at_any_moment(stage):
    knot = Knot(stage, NAMES)
    ca = TestCA(stage, knot.address, lifetime=6)
    p = Perdure(stage, p_config(ca, knot, NAMES, daemon={"interval": "10s"}, archive={"keep": 1000}))
    set_up_account(p)
    publish_records(p, knot)
    seed = int(os.environ.get("PERDURE_SEED", 20261122))
    print(f"seed {seed}; another with PERDURE_SEED=N")
    chance = random.Random(seed)
    log = os.path.join(p.folder, "daemon.log")
    for _ in range(int(os.environ.get("SIGNAL_ROUNDS", "12"))):
        daemon = p.start("run", log=log)
        wait_until("a process that waits for signals", 20, lambda: waits_for_signals(daemon.pid))
        for signo in (*chance.choices((signal.SIGHUP, signal.SIGPIPE), k=2), chance.choice((signal.SIGTERM, signal.SIGINT))):
            time.sleep(chance.choice((0.01, 0.05, 0.2, 0.5)) * chance.uniform(0, 1))
            assert daemon.poll() is None, read(log)
            daemon.send_signal(signo)
        assert daemon.wait(20) == 0, read(log)
        invariants.at_any_moment(p, NAMES)
    p.run("renew", "--no-deploy")
    # An order whose URL was on its way when the run ended is left at the CA, never finalized; the next one takes its place.
    invariants.at_rest(p, NAMES, ca, given_up=len([o for o in ca.orders() if not o["finalized"]]))
    p.run("events", "verify").ok()
