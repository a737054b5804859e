"""
Delegation to accounts of acme-dns (a double of it, see acmedns_double.py): registered once, brought along from other clients, two values at a time.
"""
import fcntl
import hashlib
import json
import os
import re
import signal
import sqlite3

import pytest

import harness
from acmedns_double import AcmeDns
from e2e import faults_path
from resolver import Unbound
from test_delegation import all_at_once, renewed, results, rows
from test_json_page import page

ZONE = "auth.bench.test"


class World:
    """n domains at Knot, which perdure may write, an acme-dns, and a CA that follows the CNAMEs."""

    def __init__(self, stage, n=2, shared=False, ca=harness.Pebble):
        self.stage = stage
        self.names = [f"w{i:02d}.bench.test" for i in range(n)]
        self.shared = shared
        self.knot = harness.Knot(stage, self.names)
        self.server = AcmeDns(stage, ZONE)
        self.resolver = Unbound(stage, {**{z: self.knot.port for z in ["bench.test", *self.names]}, ZONE: self.server.port})
        self.ca = ca(stage, self.resolver.address)
        self.folder = stage.folder("accounts")
        self.file = f"{self.folder}/acme-dns.json"
        self.p = self.perdure(self.names)

    def config(self, names, **more):
        edge = {"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{self.knot.port}", "tsig": {"file": self.knot.tsig_file}, "zones": self.names}
        return harness.p_config(self.ca, self.knot, names, **{
            "providers": [edge, self.server.entry(self.folder)],
            "delegation": {"provider": "adns", **({"shared": True} if self.shared else {})},
            "defaults": {"ca": [self.ca.config_entry()["name"]], "validation": "delegation"},
            "dns": {"stubs": [self.knot.stub(), self.server.stub()]}, **more})

    def perdure(self, names, **more):
        p = harness.Perdure(self.stage, self.config(names, **more))
        harness.set_up_account(p)
        return p

    def accounts(self):
        return json.loads(harness.read(self.file))

    def ready(self):
        """Accounts and CNAMEs, as a user makes them."""
        self.p.run("provider", "register", "adns").ok()
        self.p.run("record", "apply", "--yes", "--no-wait").ok()


def test_registered_published_proved(stage):
    w = World(stage)
    held = w.p.run("renew", "--json")
    assert held.rc == 1 and {(r["result"], r["hint"]) for r in results(held).values()} == {("held", "perdure provider register adns")}
    would = w.p.run("provider", "register", "adns", "--dry-run", "--json").ok().lines()
    assert [(d["domain"], d["fulldomain"]) for d in would] == [(n, None) for n in w.names] and not w.server.registered()
    assert set(would[0]) == page()["provider register"]
    assert not os.path.exists(w.file)
    said = w.p.run("-vv", "provider", "register", "adns").ok()
    accounts = w.accounts()
    assert set(accounts) == set(w.names) and oct(os.stat(w.file).st_mode & 0o777) == "0o600"
    lines = [f"_acme-challenge.{n}. 86400 IN CNAME {accounts[n]['fulldomain']}." for n in w.names]
    assert said.out.splitlines() == lines
    again = w.p.run("provider", "register", "adns").ok()
    assert "nothing to do" in again.out and len(w.server.registered()) == 2 and w.accounts() == accounts
    # The same CNAMEs in plan, export and DNS; the value behind them is nobody's to export.
    plan = w.p.run("record", "plan", "--json").ok().out
    assert all(accounts[n]["fulldomain"] in plan for n in w.names)
    exported = w.p.run("record", "export", "--what", "delegations", "--format", "zone").ok().out
    assert all(line in exported for line in lines) and " TXT " not in exported
    w.p.run("record", "apply", "--yes").ok()
    done = w.p.run("-vv", "renew", "--json")
    renewed(done, w.names)
    for name in w.names:
        harness.verify_chain(w.p, name, w.ca.roots(), [name, "*." + name])
    assert len(w.server.updates()) == 4 and not rows(w.p)
    # What stands there stays, and gives way to the next.
    renewed(w.p.run("renew", "--force-renewal", "--json"), w.names, "renewed")
    assert len(w.server.updates()) >= 8 and not rows(w.p)
    # The passwords are in their file and nowhere else.
    told = [said.out, said.err, done.out, done.err, plan]
    told += [harness.read(os.path.join(folder, f)) for folder, _, files in os.walk(w.p.state_dir) for f in files if not f.startswith("perdure.db")]
    assert not [a["password"] for a in accounts.values() for text in told if a["password"] in text]


def test_accounts_of_other_clients(stage):
    """lego's file, with the spelling of its older releases, and one that it does not have yet."""
    w = World(stage)
    mine, theirs = w.server.account(), w.server.account()
    spelt = {"username": "Username", "password": "Password", "fulldomain": "FullDomain", "subdomain": "SubDomain"}
    text = json.dumps({w.names[0]: {v: mine[k] for k, v in spelt.items()}, "other.example": {**theirs, "server_url": "https://x.example", "more": [1, None]}},
                      indent=2)
    harness.write(w.file, text, 0o600)
    w.ready()
    accounts = w.accounts()
    assert len(w.server.registered()) == 1 and set(accounts) == {w.names[0], "other.example", w.names[1]}
    assert harness.read(w.file).startswith(text.rstrip().removesuffix("}").rstrip())
    assert {"username", "password", "fulldomain", "subdomain", "allowfrom", "server_url"} == set(accounts[w.names[1]])
    renewed(w.p.run("renew", "--json"), w.names)
    assert {u[1] for u in w.server.updates()} == {mine["subdomain"], accounts[w.names[1]]["subdomain"]}


def test_two_registering_at_once(stage):
    w = World(stage, 4)
    runs = all_at_once([lambda: w.p.run("provider", "register", "adns")] * 3)
    assert [r.rc for r in runs] == [0, 0, 0]
    assert len(w.server.registered()) == 4 and set(w.accounts()) == set(w.names)


def test_two_processes_share_one_account(stage):
    """Each order needs both of the account's values: one order after the other, whosever it is."""
    w = World(stage, 4, shared=True, ca=harness.TestCA)
    w.ready()
    assert len(w.server.registered()) == 1 and set(w.accounts()) >= {"username", "fulldomain"}
    processes = [w.p, w.perdure(w.names)]
    for i, p in enumerate(processes):
        p.configure(w.config(w.names[i::2]))
    for i, done in enumerate(all_at_once([lambda p=p: p.run("renew", "--json") for p in processes])):
        renewed(done, w.names[i::2])
    assert not any(rows(p) for p in processes)
    assert len({u[2] for u in w.server.updates()}) == 8


def test_another_process_has_values_there(stage):
    w = World(stage, 1)
    w.ready()
    owner = w.accounts()[w.names[0]]["fulldomain"]
    folder = "/run/lock" if os.access("/run/lock", os.W_OK) else "/tmp"
    with open(f"{folder}/perdure-{os.geteuid()}-{hashlib.sha256(f'values at {owner}'.encode()).hexdigest()[:32]}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        w.p.configure(w.config(w.names, delegation={"provider": "adns", "wait": "1s"}))
        done = w.p.run("renew", "--json")
        line = results(done)[w.names[0]]
        assert done.rc == 75 and line["result"] == "parked" and "another process" in line["error"] and not w.server.updates()
    renewed(w.p.run("renew", w.names[0], "--json"), w.names)


def test_more_values_than_an_account_keeps(stage):
    w = World(stage, 3, shared=True)
    w.ready()
    assert not w.p.run("config", "check", "--json").json()["warnings"] and "keeps 2 values" not in w.p.run("record", "plan").err
    w.p.configure(w.config([], certificates=[{"name": "all", "names": w.names}]))
    (warning,) = w.p.run("config", "check", "--json").json()["warnings"]
    assert "certificate all has 3 names" in warning and "keeps 2 values" in warning and "keeps 2 values" in w.p.run("record", "plan").err
    done = w.p.run("renew", "--json")
    line = results(done)["all"]
    assert done.rc == 1 and "3 values are needed" in line["error"] and "account of its own" in line["hint"]
    assert not w.server.updates() and not rows(w.p)


def test_a_value_that_was_pushed_out_is_written_again(stage):
    w = World(stage, 1)
    w.ready()
    w.server.lose(1)  # somebody else writes behind our two
    renewed(w.p.run("renew", "--json"), w.names)
    assert len(w.server.updates()) == 2 + 2 + 2


@pytest.mark.parametrize("point", ["rrwrite-changed", "acme-challenge-answered"])
def test_killed_and_gone_on(stage, point):
    w = World(stage, 1)
    w.ready()
    w.p.binary = faults_path()
    hit = w.p.run("renew", env={"PERDURE_FAULT": point})
    assert hit.rc == -signal.SIGKILL, hit
    renewed(w.p.run("renew", "--json"), w.names)
    assert not rows(w.p)
    with sqlite3.connect(f"file:{w.p.state_dir}/perdure.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM work").fetchone() == (0,)


def test_what_is_refused(stage):
    w = World(stage, 1)
    w.ready()
    os.chmod(w.file, 0o640)
    done = w.p.run("renew", "--json")
    assert done.rc == 1 and "can be read by others" in results(done)[w.names[0]]["error"]
    os.chmod(w.file, 0o600)
    # Another account than the one that the CNAME leads to.
    good = harness.read(w.file)
    harness.write(w.file, json.dumps({w.names[0]: w.server.account()}), 0o600)
    line = results(w.p.run("renew", "--json"))[w.names[0]]
    assert "leads to" in line["error"] and "accounts_file" in line["hint"]
    # A password that is not the server's.
    harness.write(w.file, re.sub(r'"password":"[^"]*"', '"password":"' + "x" * 40 + '"', good), 0o600)
    done = w.p.run("renew", "--json")
    line = results(done)[w.names[0]]
    assert "forbidden" in line["error"] and "allowfrom" in line["hint"] and "x" * 40 not in done.out + done.err
    for text, says in (('{"a.example": {"username": "x"}}', "fulldomain is missing"), ("[1]", "no JSON object"),
                       (json.dumps(w.server.account()), "shared: true")):
        harness.write(w.file, text, 0o600)
        done = w.p.run("record", "plan")
        assert done.rc != 0 and says in done.err, done
    harness.write(w.file, good, 0o600)
    w.server.open = False
    done = w.p.run("provider", "register", "adns", "new.example")
    assert done.rc == 1 and "registrations" in done.err and harness.read(w.file) == good
    assert "only acme-dns" in w.p.run("provider", "register", "edge").err


def test_provider_test(stage):
    w = World(stage, 1)
    w.ready()
    name = w.accounts()[w.names[0]]["fulldomain"]
    done = w.p.run("provider", "test", "adns", "--name", name, "--json").ok()
    steps = {s["step"]: s["detail"] for s in done.json()["steps"]}
    assert set(steps) == {"credentials", "zone", "read", "write", "visible", "remove"} and steps["zone"] == ZONE
    assert len(w.server.updates()) == 1
