"""
perdure account rollover: the account has another key and the same URL; whatever gets lost on the way, the key of the account does not.
"""
import json
import os
import signal

import pytest
from e2e import rows
from harness import Knot, Perdure, TestCA, publish_records, set_up_account, write, zones_named
from invariants import one_key, thumbprint
from test_scenarios import program

FAST = {"PERDURE_TIME_RATE": "50"}


class Account:
    """A CA, an account at it, and one certificate to try it with."""

    def __init__(self, stage, dns=None, **ca):
        self.stage = stage
        self.name = zones_named(1)[0]
        self.ca = TestCA(stage, dns.address if dns else None, **ca)
        self.p = Perdure(stage, self.config(dns), binary=program())
        set_up_account(self.p)
        self.folder = os.path.join(self.p.state_dir, "accounts/testca")
        self.first = self.key()

    def config(self, dns=None):
        return {"cas": [self.ca.config_entry()], "dns": {"stubs": [dns.stub()]} if dns else {"mode": "none"},
                "certificates": [{"name": self.name, "names": [self.name, "*." + self.name]}]}

    def key(self):
        return thumbprint(os.path.join(self.folder, "key.pem"))

    def files(self):
        return sorted(os.listdir(self.folder))

    def rollover(self, *more, **kw):
        return self.p.run("account", "rollover", *more, env=FAST, **kw)

    def settled(self, changes):
        """The CA, the key file and the state agree, after so many changes of the key; nothing is left beside."""
        known = one_key(self.p, self.ca)
        assert self.files() == ["key.pem"]
        assert os.stat(os.path.join(self.folder, "key.pem")).st_mode & 0o7777 == 0o600
        shown = self.p.run("account", "show", "--public", "--json").ok().json()
        assert shown["thumbprints"] == known and shown["status"] == "valid"
        assert len(known) == 1 + changes and (self.first == self.key()) == (not changes)

    def works(self):
        self.p.run("renew", "--force-renewal", env=FAST).ok()


def test_plain(stage):
    a = Account(stage)
    asked = a.ca.log_requests()
    dry = a.rollover("--dry-run", "--json").ok().json()
    assert dry["dry_run"] and not dry["resumed"] and dry["thumbprints"] == [a.first]
    assert a.first in a.rollover("--dry-run").ok().out
    assert a.ca.log_requests() == asked
    done = a.rollover().ok()
    assert "none of them has to change" in done.out and "account export" in done.out and a.first in done.out
    a.settled(1)
    made = a.ca.log_requests() - asked
    assert (made["keyChange"], made["newAccount"]) == (1, 0)
    a.works()
    again = a.rollover("--json").ok().json()
    assert again["thumbprints"][0] == a.key() and a.first in again["thumbprints"] and not again["resumed"]
    a.settled(2)
    a.works()


@pytest.mark.parametrize("fault, key_changes, more", [
    ("cut-before", 2, {}),
    ("cut-after", 1, {}),
    ("status", 2, {"status": 500}),
    ("status-after", 1, {"status": 502}),
    ("empty-body", 1, {}),
    ("badnonce", 2, {}),
    ("hang", 2, {}),
])
def test_an_answer_is_lost(stage, fault, key_changes, more):
    """Whether the change took effect or not: the same run finds out, and ends it."""
    a = Account(stage)
    asked = a.ca.log_requests()
    a.ca.fault(fault, endpoint="keyChange", count=1, **more)
    a.rollover().ok()
    assert (a.ca.log_requests() - asked)["keyChange"] == key_changes
    a.settled(1)
    a.works()


@pytest.mark.parametrize("verb", ["account rollover", "renew --force-renewal", "account show --live", "account register --agree-tos"])
@pytest.mark.parametrize("took_effect", [True, False])
def test_the_next_run_ends_it(stage, took_effect, verb):
    """The CA cannot be reached from the change on: both keys are kept, and whatever needs the account next ends the rollover."""
    a = Account(stage)
    rules = [a.ca.fault("cut-after" if took_effect else "cut-before", endpoint="keyChange"), a.ca.fault("cut-before", endpoint="newAccount")]
    done = a.rollover()
    assert done.rc == 75 and "are kept" in done.err, done
    assert a.files() == ["key.next.pem", "key.pem"]
    assert len({a.key(), thumbprint(os.path.join(a.folder, "key.next.pem"))}) == 2
    assert a.rollover("--dry-run", "--json").ok().json()["resumed"]
    secret = write(os.path.join(a.p.folder, "pass"), "correct horse\n", 0o600)
    refused = a.p.run("account", "export", "--out", os.path.join(a.p.folder, "x"), "--passphrase-file", secret)
    assert refused.rc == 2 and "account rollover" in refused.err
    for rule in rules:
        a.ca.clear(rule)
    done = a.p.run(*verb.split(), *(["--json"] if verb == "account rollover" else []), env=FAST).ok()
    if verb == "account rollover":
        assert done.json()["resumed"]
    a.settled(1)
    a.works()


@pytest.mark.parametrize("status, kind", [(409, "malformed"), (403, "unauthorized"), (429, "rateLimited")])
def test_refused(stage, status, kind):
    """The CA does not want it: the old key stays, the new one goes."""
    a = Account(stage)
    rule = a.ca.fault("problem", endpoint="keyChange", status=status, type=kind, detail="the new key belongs to an account already")
    done = a.rollover()
    assert done.rc in (1, 75) and "belongs to an account already" in done.err, done
    a.settled(0)
    a.works()
    a.ca.clear(rule)
    a.rollover().ok()
    a.settled(1)


def test_refused_when_it_is_ended(stage):
    """Begun, cut, and refused by the CA afterwards: the run that meets it goes on with the old key."""
    a = Account(stage)
    rules = [a.ca.fault("cut-before", endpoint=["keyChange", "newAccount"])]
    assert a.rollover().rc == 75
    a.ca.clear(rules[0])
    a.ca.fault("problem", endpoint="keyChange", status=409, type="malformed", detail="no")
    done = a.p.run("renew", env=FAST).ok()
    assert "the old key stays in use" in done.err
    a.settled(0)


def test_not_offered(stage):
    a = Account(stage)
    a.ca.fault("drop-member", endpoint="directory", member="keyChange")
    done = a.rollover()
    assert done.rc == 2 and "keyChange" in done.err
    a.ca.clear()
    a.settled(0)


def test_records_of_level_02(stage):
    """They hash the key. Those that stand are still accepted, those for the new key are printed, both may stand side by side."""
    name = zones_named(1)
    knot = Knot(stage, name)
    a = Account(stage, knot, level="02")
    old = publish_records(a.p, knot)
    a.p.run("renew").ok()
    done = a.rollover().ok()
    assert "record show" in done.out and "check --all" in done.out and "retains" in done.out
    a.settled(1)
    a.p.run("check", "--all").ok()
    a.works()
    new = publish_records(a.p, knot)
    assert new != old
    a.p.run("check", "--all").ok()
    owner = old[0].split()[0]
    knot.nsupdate([f"del {owner} TXT", *new])
    a.p.run("check", "--all").ok()
    a.works()


def test_the_account_on_another_host(stage):
    """A copy of the account elsewhere takes the new key over; an old copy does not come back."""
    a = Account(stage)
    other = Perdure(stage, a.config(), binary=program())
    secret = write(os.path.join(a.p.folder, "pass"), "correct horse\n", 0o600)

    def move(source, to, file):
        path = os.path.join(a.p.folder, file)
        if source:
            source.run("account", "export", "--out", path, "--passphrase-file", secret).ok()
        return to.run("account", "import", path, "--passphrase-file", secret)
    move(a.p, other, "first").ok()
    a.rollover().ok()
    move(a.p, other, "second").ok()
    assert thumbprint(os.path.join(other.state_dir, "accounts/testca/key.pem")) == a.key()
    other.run("renew").ok()
    for p in (a.p, other):
        done = move(None, p, "first")
        assert done.rc == 2 and "earlier key" in done.err
    a.settled(1)


def test_killed_at_every_point(stage):
    """A kill at every fault point of a rollover; the next run of something else ends it, with one of the two keys."""
    a = Account(stage)
    points = os.path.join(a.p.folder, "points")
    a.p.run("account", "rollover", env={"PERDURE_FAULT_LIST": points}).ok()
    with open(points, encoding="utf-8") as f:
        passed = f.read().split()
    assert {"rollover.key-kept", "rollover.changed", "rollover.noted", "rollover.switched"} <= set(passed)
    changes = 1
    for point in sorted(set(passed)):
        for n in range(1, passed.count(point) + 1):
            killed = a.p.run("account", "rollover", env={"PERDURE_FAULT": f"{point}:{n}"})
            assert killed.rc == -signal.SIGKILL, f"{point}:{n}: {killed}"
            a.works()
            changes = len(a.ca.command("accounts")["accounts"][0]["old_thumbprints"])
            a.settled(changes)
    assert changes > 3
    assert json.loads(a.rollover("--json").ok().out)["url"] == rows(a.p, "SELECT url FROM account")[0][0]
