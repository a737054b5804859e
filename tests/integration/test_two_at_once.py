"""Two perdure on one state directory, and what a dead one leaves."""
import os
import signal
import time

import harness
from e2e import Fleet, Observer, archived, check_rest, issued_serials, plain_path, rows
from harness import read, wait_until


def finish(run):
    assert run.wait(120) in (0, 75), run.returncode
    return run.returncode


def test_two_forced_renewals(stage):
    f = Fleet(stage, 6, 2)
    p = f.p
    p.run("renew").ok()
    good = 0
    with Observer(p, f.names) as eye:
        for _ in range(3):
            logs = [os.path.join(p.folder, f"run-{i}.log") for i in (1, 2)]
            runs = [p.start("renew", "--force-renewal", "--json", log=log) for log in logs]
            good += sum(finish(run) == 0 for run in runs)
            said = "".join(read(log) for log in logs)
            assert said.count("another perdure") <= 2
            for log in logs:
                os.unlink(log)
    assert good == 6, "a run gave up waiting for a few seconds' work"
    assert not eye.bad and eye.seen > 200
    # Each run made one certificate of each lineage, with one order.
    assert f.orders() == len(f.issued()) == 6 + good * 6
    assert archived(p) == f.issued()
    check_rest(p, f.names)
    f.verify()


def test_reading_while_another_renews(stage):
    f = Fleet(stage, 6, 3, va_sleep=True, retry_after=1)
    p = f.p
    run = p.start("renew")
    wait_until("an order in work", 20, lambda: run.poll() is not None or
               os.path.exists(p.state_dir + "/perdure.db") and rows(p, "SELECT * FROM work"))
    assert run.poll() is None
    for args in (("status",), ("status", "--json"), ("record", "show"), ("account", "list"), ("renew", "--dry-run"), ("doctor", "--offline")):
        p.run(*args).ok()
    assert any(line["order_in_work"] for line in p.run("status", "--json").ok().lines())
    assert run.poll() is None, "the readers were no quicker than the run: nothing is shown"
    # One that wants to write says whom it waits for, and then has nothing to do.
    second = p.run("renew", "--exit-code")
    assert f"process {run.pid}" in second.err and second.rc == 3, str(second)
    assert run.wait(60) == 0
    f.verify()


def test_a_dead_one_blocks_nobody(stage):
    f = Fleet(stage, 2, binary=plain_path(), va_sleep=True, retry_after=1)
    p = f.p
    run = p.start("renew")
    wait_until("an order", 20, lambda: rows(p, "SELECT * FROM work WHERE state > 0"))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert os.path.exists(os.path.join(p.state_dir, "lock"))
    start = time.monotonic()
    done = p.run("renew", "--json").ok()
    assert time.monotonic() - start < 30 and "another perdure" not in done.err
    assert f.orders() == len(issued_serials(f.cas[0])) == 2
    check_rest(p, f.names)


def test_stopped_by_a_signal(stage):
    """TERM ends it soon, with 75 and a word; the orders it knows of are kept and gone on with."""
    f = Fleet(stage, 4, 2, va_sleep=True, retry_after=1)
    p = f.p
    log = os.path.join(p.folder, "stopped.log")
    run = p.start("renew", log=log)
    wait_until("an order", 20, lambda: rows(p, "SELECT * FROM work WHERE state > 0"))
    os.kill(run.pid, signal.SIGTERM)
    assert run.wait(10) in (4, 75)
    assert "stopped by a signal" in read(log)
    harness.write(log, "")
    kept = {cert for (cert,) in rows(p, "SELECT cert FROM work WHERE state > 0")}
    archive = os.path.join(p.state_dir, "archive")
    there = kept | set(os.listdir(archive) if os.path.isdir(archive) else [])
    assert kept
    before = f.orders()
    p.run("renew").ok()
    # An order whose newOrder was on its way when the signal came is the CA's alone, nobody told this side of it: one of a job at most.
    # Those that are known were gone on with, so that only the others had to be made; and each lineage has one certificate.
    assert before <= len(f.names) and f.orders() == before + len(set(f.names) - there)
    assert len(f.issued()) == len(f.names) and archived(p) == f.issued()
    check_rest(p, f.names)
