"""The test equipment itself: a harness that fails silently would make every other test pass."""
import os
import subprocess

import pytest

import harness


def gone(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_knot_serves_updates_counts_and_refuses(make_knot):
    zones = harness.zones_named(3)
    knot = make_knot(zones, records={"w02.bench.test": ["www 60 A 127.0.0.2"]})
    assert harness.dns_query(knot.port, "www.w02.bench.test", "A")[:3] == (0, True, 1)
    before = knot.serials()
    owner = "_validation-persist.w01.bench.test."
    knot.nsupdate([f'{owner} 60 IN TXT "ca.test;accounturi=https://x/1;policy=wildcard"', "w03.bench.test. 60 IN TXT \"a\""])
    rcode, _, count, message = harness.dns_query(knot.port, owner, "TXT")
    assert (rcode, count) == (0, 1) and b"ca.test;accounturi=https://x/1;policy=wildcard" in message
    after = knot.serials()
    assert {z for z in after if after[z] != before[z]} == {"w01.bench.test", "w03.bench.test"}
    assert dict(knot.update_counts()) == {"w01.bench.test": 1, "w03.bench.test": 1}
    knot.nsupdate([f"del {owner} TXT"])
    assert harness.dns_query(knot.port, owner, "TXT")[2] == 0
    knot.disable_updates()
    with pytest.raises(harness.HarnessError):
        knot.nsupdate([f'{owner} 60 IN TXT "x"'])
    assert harness.dns_query(knot.port, owner, "TXT")[2] == 0
    assert knot.update_count() >= 4  # the refused one is counted too


def test_pebble_speaks_level_01_and_counts_requests(make_knot, make_pebble):
    ca = make_pebble(make_knot(["w01.bench.test"]), nonce_reject=0, alternates=1)
    assert b"newOrder" in ca.get(ca.dir_url)
    assert ca.log_requests()["dir"] == 1 and ca.request_count() == 1
    assert open(ca.roots()).read().count("BEGIN CERTIFICATE") == 2
    ca.restart()
    assert b"newOrder" in ca.get(ca.dir_url)


def test_a_hung_pebble_is_restarted(make_knot, make_pebble, monkeypatch):
    ca = make_pebble(make_knot(["w01.bench.test"]), watchdog=True)
    monkeypatch.setattr(ca, "alive", lambda timeout=5, real=ca.alive: real(min(timeout, 1)))
    os.kill(ca.process.pid, 19)  # SIGSTOP: takes connections, answers nothing
    harness.wait_until("the watchdog", 30, lambda: ca.hangs == 1 and ca.alive(1))
    ca.stop()


def test_nothing_survives_a_stage():
    with harness.Stage() as stage:
        knot = harness.Knot(stage, ["w01.bench.test"])
        ca = harness.Pebble(stage, knot.address)
        # A child that ignores TERM and has a child of its own.
        shell = stage.spawn(["sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"], os.path.join(stage.dir, "sh.log"))
        pids = [knot.process.pid, ca.process.pid, shell.pid]
        assert not any(map(gone, pids))
        stage.end(shell, 0.2)
    harness.wait_until("the processes to go", 10, lambda: all(map(gone, pids)))
    assert not os.path.exists(stage.dir)


def test_yaml_writer():
    import_yaml = subprocess.run(["/usr/bin/python3", "-c", "import yaml"], check=False, capture_output=True).returncode == 0
    value = {"a": [{"b": 1, "c": ["x: y", "*.z"]}, {"d": {}}], "e": {"f": True, "g": None}, "h": [], "i": [[1, 2], [3]]}
    text = harness.to_yaml(value)
    assert text.splitlines()[:4] == ["a:", "  - b: 1", "    c:", '      - "x: y"']
    if import_yaml:
        import yaml
        assert yaml.safe_load(text) == value


def test_perdure_runs_and_is_killed_when_it_hangs(make_perdure, stage):
    p = make_perdure({"cas": []})
    done = p.run("--version")
    assert done.rc == 0 and "perdure" in done.out
    p.binary = "/bin/sh"
    p.command = lambda *args: ["/bin/sh", "-c", "sleep 600"]
    with pytest.raises(harness.HarnessError, match="killed after"):
        p.run(timeout=0.3)
    assert stage.processes == []
