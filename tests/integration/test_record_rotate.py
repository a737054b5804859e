"""`record rotate` against a real Knot: new beside old, both for as long as caches may need, then old away; killed anywhere, it goes on."""
import calendar
import json
import os
import signal
import sqlite3
import time

import pytest

import harness
from recordworld import World, has
from test_json_page import fields, page

FOREIGN = '"v=spf1 -all; somebody \\"else\\""'
OTHERS = '"ca.test;accounturi=https://127.0.0.1:1/acct/other;policy=wildcard"'
UNTIL = ";policy=wildcard;persistUntil=4102444800"


@pytest.fixture
def world(stage, make_knot):
    def make(n=1, ttl="2s", **kw):
        w = World(stage, make_knot, n, **kw)
        w.config = {**w.config, "defaults": {"record_ttl": ttl}}
        w.p.configure(w.config)
        w.apply()
        return w

    return make


def rotate(w, *args, rc=0):
    done = w.p.run("record", "rotate", "--timeout", "20", *args)
    assert done.rc == rc, done
    return done


def state(done):
    return done.lines()[-1]["rotation"]


def time_is_up(w):
    """As if caches had forgotten by now."""
    path = os.path.join(w.p.state_dir, "records", "rotation.json")
    rotation = json.loads(harness.read(path))
    for rrset in rotation["rrsets"]:
        rrset["until"] = 1
    harness.write(path, json.dumps(rotation), 0o600)


def in_work(w):
    return os.path.exists(os.path.join(w.p.state_dir, "records", "rotation.json"))


def test_both_stand_until_caches_have_forgotten(world):
    w = world(n=2, records={"w01.bench.test": [f"_validation-persist 2 TXT {FOREIGN}", f"_validation-persist 2 TXT {OTHERS}"]})
    shown = rotate(w, "--persist-until", "2100-01-01T00:00:00Z", "--dry-run")
    assert "2 to change" in shown.out and not in_work(w) and not has(w, 0, w.want(UNTIL))
    assert rotate(w, "--persist-until", "2100-01-01T00:00:00Z", rc=2).err.count("--yes")
    done = rotate(w, "--persist-until", "2100-01-01T00:00:00Z", "--yes", "--json", rc=75)
    told = state(done)
    assert fields(done.lines()[-1]) == page()["record rotate"]
    assert told["kind"] == "persist-until" and told["rrsets"] == 2 and told["both_stand"] == 2 and told["until"]
    assert all(has(w, i, w.want()) and has(w, i, w.want(UNTIL)) for i in range(2)) and len(w.stands(1)) == 4
    # Another rotation has to wait, the same one goes on.
    assert "another rotation is in work" in rotate(w, "--account", "--yes", rc=2).err
    again = rotate(w, "--persist-until", "2100-01-01T00:00:00Z", "--json", "--wait")
    assert state(again)["done"] == 2 and not in_work(w)
    assert all(has(w, i, w.want(UNTIL)) and not has(w, i, w.want()) for i in range(2))
    assert len(w.stands(0)) == 1 and len(w.stands(1)) == 3
    assert "change it there, too" not in again.err
    w.p.configure({**w.config, "certificates": [{**c, "persist_until": "2100-01-01T00:00:00Z"} for c in w.config["certificates"]]})
    assert all(i["action"] in ("keep", "unknown") for r in w.plan().values() for i in r["items"])
    # Back to no end, for one certificate.
    rotate(w, "--persist-until", "none", "w00.bench.test", "--yes", "--wait", "--quiet")
    assert has(w, 0, w.want()) and len(w.stands(0)) == 1 and has(w, 1, w.want(UNTIL))


def test_the_time_is_that_of_the_longest_cache(world):
    w = world(ttl="1h")
    before = time.time()
    told = state(rotate(w, "--persist-until", "4102444800", "--yes", "--json", rc=75))
    until = time.strptime(told["until"], "%Y-%m-%dT%H:%M:%SZ")
    assert before + 3600 <= calendar.timegm(until) <= time.time() + 3602
    told = state(rotate(w, "--json", rc=75))
    assert told["both_stand"] == 1 and len(w.stands()) == 2
    rotate(w, "--abandon")
    assert not in_work(w) and len(w.stands()) == 2
    assert rotate(w, rc=2).err.count("--account")


def test_a_new_account_takes_over(world):
    w = world()
    new = {**w.ca.config_entry(), "account": {"url": f"{w.ca.base}/acct/9"}}
    w.p.configure({**w.config, "cas": [new]})
    w.knot.nsupdate([f"{w.owner()} 60 TXT {OTHERS}"])
    # The old account is proved by the journal; one that was written by hand has to be named.
    w.knot.nsupdate([f'{w.owner()} 60 TXT "ca.test;accounturi={w.ca.base}/acct/7"'])
    rotate(w, "--account", "--from", f"{w.ca.base}/acct/7", "--yes", "--json", rc=75)
    assert len(w.stands()) == 4
    state_file = os.path.join(w.p.state_dir, "records", "rotation.json")
    rotation = json.loads(harness.read(state_file))
    assert rotation["rrsets"][0]["cache"] >= 2 and oct(os.stat(state_file).st_mode)[-3:] == "600"
    time_is_up(w)
    rotate(w)
    values = w.stands()
    assert len(values) == 2 and any("acct/9" in v for v in values) and any("acct/other" in v for v in values)


def test_an_order_in_work_keeps_the_old_value(world):
    w = world()
    rotate(w, "--persist-until", "4102444800", "--yes", rc=75)
    database = os.path.join(w.p.state_dir, "perdure.db")
    w.p.run("renew")  # fails, but makes the database
    with sqlite3.connect(database) as db:
        columns = {row[1]: row for row in db.execute("PRAGMA table_info(work)")}
        values = {name: (0 if row[2].upper().startswith("INT") else b"" if row[2].upper() == "BLOB" else "") for name, row in columns.items()}
        values.update({"id": 1, "cert": "w00.bench.test", "ca": "ca", "names": "*.w00.bench.test\n"})
        db.execute(f"INSERT INTO work ({','.join(values)}) VALUES ({','.join('?' * len(values))})", list(values.values()))
    time_is_up(w)
    told = state(rotate(w, "--json", rc=75))
    assert told["held_by_orders"] == [w.owner()] and len(w.stands()) == 2
    with sqlite3.connect(database) as db:
        db.execute("DELETE FROM work")
    rotate(w)
    assert len(w.stands()) == 1 and has(w, 0, w.want(UNTIL))


def test_killed_at_any_point(world):
    """Killed when the first new value is there, while both stand, when the first old one has gone: the next run goes on."""
    n = 24
    w = world(n=n, records={f"w{i:02d}.bench.test": [f"_validation-persist 2 TXT {FOREIGN}"] for i in range(n)})

    def kill_when(test, *args):
        process = w.p.start("record", "rotate", "--timeout", "20", "--quiet", *args)
        deadline = time.monotonic() + 40
        while process.poll() is None and time.monotonic() < deadline and not test():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    kill_when(lambda: has(w, 0, w.want(UNTIL)), "--persist-until", "4102444800", "--yes", "--wait")
    assert all(has(w, i, w.want()) for i in range(n)), "an old value went before its time"
    kill_when(lambda: all(has(w, i, w.want(UNTIL)) for i in range(n)), "--wait")
    assert all(has(w, i, w.want(UNTIL)) and has(w, i, w.want()) for i in range(n))
    kill_when(lambda: not has(w, 0, w.want()), "--wait")
    assert all(has(w, i, w.want(UNTIL)) for i in range(n))
    rotate(w, "--wait", "--quiet")
    assert all(has(w, i, w.want(UNTIL)) and not has(w, i, w.want()) and len(w.stands(i)) == 2 for i in range(n)) and not in_work(w)


def test_a_new_value_that_somebody_took_away_is_put_back_and_waited_for(world):
    w = world()
    rotate(w, "--persist-until", "4102444800", "--yes", rc=75)
    with_end = w.want(UNTIL)
    w.knot.nsupdate([f'del {w.owner()} TXT "{with_end}"'])
    time_is_up(w)
    rotate(w, rc=75)
    assert has(w, 0, with_end) and has(w, 0, w.want()), "the old value went although the new one was not there"
    rotate(w, "--wait")
    assert has(w, 0, with_end) and len(w.stands()) == 1
