"""A sample of the sweep of tools/torture.sh, and a process that is stopped in the middle of its work."""
import os
import signal
import time

import invariants
import pytest
import torture
from e2e import plain_path, rows
from harness import wait_until
from state_tool import need_strace

SAMPLES = {"issue": 80, "renew": 80, "rollover": 40}


@pytest.mark.parametrize("run", SAMPLES)
def test_sample_of_the_sweep(run):
    need_strace()
    seed = int(os.environ.get("PERDURE_SEED", 20261122))
    print(f"seed {seed}; another with PERDURE_SEED=N")
    line, findings, runs, struck, could = torture.sweep(SAMPLES[run], seed, jobs=1, runs=(run,))
    print(line)
    assert not findings, "\n".join(findings[:3])
    # Errors in the event log and in a batch of files are survived.
    assert runs == SAMPLES[run] and struck > could // 2, line


def test_stopped_and_continued(stage):
    """
    A run that is stopped (SIGSTOP) keeps its lock: a second one waits, tells whom for, gives up with 75, and has changed nothing.
    Continued, the first finishes its own orders. None is placed twice.
    """
    bench = torture.Bench(stage, authz_delay=300)
    p, ca = bench.p, bench.ca
    before = bench.restore("renew")
    run = p.start("renew", "--force-renewal")
    wait_until("an order at the CA", 20, lambda: rows(p, "SELECT * FROM work WHERE state > 0"))
    os.kill(run.pid, signal.SIGSTOP)
    try:
        work = rows(p, "SELECT id, cert, state, url FROM work")
        assert work, "it was done before it was stopped"
        asked = ca.request_count()
        second = p.run("renew", "--force-renewal", wrap=["timeout", "-s", "TERM", "5"])
        assert f"process {run.pid}" in second.err, str(second)
        assert second.rc in (75, 124), str(second)
        assert rows(p, "SELECT id, cert, state, url FROM work") == work and ca.request_count() == asked
        # Readers are not held up, and time has passed for the first one.
        p.run("status").ok()
        time.sleep(0.5)
    finally:
        os.kill(run.pid, signal.SIGCONT)
    assert run.wait(60) == 0
    invariants.at_rest(p, bench.names, ca, before=before)
    assert before.made(ca) == (3, 3)
    assert p.binary == plain_path() and p.run("renew", "--exit-code").rc == 3


def test_killed_while_another_waits(stage):
    """The first is stopped, a second waits for its lock, then the first is killed: the second takes the lock and finishes the orders."""
    bench = torture.Bench(stage, authz_delay=300)
    p, ca = bench.p, bench.ca
    before = bench.restore("renew")
    first = p.start("renew", "--force-renewal")
    wait_until("an order at the CA", 20, lambda: rows(p, "SELECT * FROM work WHERE state > 0"))
    os.kill(first.pid, signal.SIGSTOP)
    log = os.path.join(p.folder, "second.log")
    second = p.start("renew", log=log)
    wait_until("the second to wait", 20, lambda: f"process {first.pid}" in open(log, encoding="utf-8").read())
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert second.wait(60) == 0, open(log, encoding="utf-8").read()
    p.run("renew").ok()
    invariants.at_rest(p, bench.names, ca, given_up=(0, 3), before=before)
