"""
dns-01 behind standing CNAMEs: values are written together, waited for at every name server, taken out again; those of others stay. Also
dns-01 at the domain itself, and what `auto` makes of it all.
"""
import fcntl
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time

import dns.message
import dns.query
import pytest

import dns_servers
import harness
from e2e import faults_path, plain_path
from rest_doubles import Desec
from resolver import Unbound
from small_servers import ZoneServer
from state_tool import need_strace

ZONE = "acme.bench.test"
SHARED = "_acme." + ZONE
FOREIGN = '"somebody else\'s; value"'


def label(name):
    """The validation name of a domain of its own."""
    return "_" + name.replace("-", "--").replace(".", "-") + "." + ZONE


class Fleet:
    """
    Domains with their CNAMEs at Knot, which unbound asks for the CA, and perdure with Knot as its provider for the validation zone.

    cnames    the target of a domain's CNAME by its name, or None for no CNAMEs
    home      a server of dns_servers for the validation zone instead of Knot
    ca        harness.Pebble or harness.TestCA (which takes many orders at once)
    """

    def __init__(self, stage, n=2, shared=True, extra=(), validation="delegation", cnames=..., ca=harness.Pebble, records=None, home=None,
                 **delegation):
        self.stage = stage
        self.names = [f"w{i:02d}.bench.test" for i in range(n)]
        self.target = (lambda name: SHARED) if shared else label
        target = self.target if cnames is ... else cnames
        zones = {z: [f"_acme-challenge 300 CNAME {target(z)}."] if target else [] for z in self.names}
        for zone, lines in (records or {}).items():
            zones[zone] = zones[zone] + lines
        self.knot = harness.Knot(stage, [*self.names, ZONE], records={**zones, ZONE: list(extra)})
        self.home = home(stage, {ZONE: list(extra)}) if home else self.knot
        self.stubs = [self.knot.stub(), {"zone": ZONE, "servers": ["127.0.0.1"], "port": self.home.port}]
        self.resolver = Unbound(stage, {**{z: self.knot.port for z in ["bench.test", *self.names]}, ZONE: self.home.port})
        self.ca = ca(stage, self.resolver.address)
        self.delegation = {"zone": ZONE, **({"shared": True} if shared else {}), **delegation}
        self.defaults = {"ca": [self.ca.config_entry()["name"]], "validation": validation}
        self.provider = {"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{self.knot.port}", "zones": [ZONE], "tsig": {"file": self.knot.tsig_file}}
        if home:
            self.provider = self.home.entry(zones=[ZONE])
        if home == dns_servers.PowerDNS:
            self.home.count_serials(ZONE)
        self.first_serial = dns_servers.serial(self.home.port, ZONE)
        self.p = self.perdure(self.names)

    def config(self, names, **more):
        return harness.p_config(self.ca, self.knot, names, **{"delegation": self.delegation, "providers": [self.provider], "defaults": self.defaults,
                                                                "dns": {"stubs": self.stubs}, **more})

    def perdure(self, names, **more):
        p = harness.Perdure(self.stage, self.config(names, **more))
        harness.set_up_account(p)
        return p

    def values(self, owner=SHARED):
        return dns_servers.values(self.home.port, owner)

    def writes(self, zone=ZONE):
        """Changes of the zone: each moves its serial, which is 1 at first, but at PowerDNS."""
        return dns_servers.serial(self.home.port, zone) - self.first_serial if zone == ZONE else int(self.knot.serials()[zone]) - 1

    def second_server(self):
        """Another server of the validation zone, which has nothing in it until it is told. perdure knows of it."""
        server = ZoneServer(self.stage, "127.0.0.2", self.knot.port, ZONE, [])
        self.p.configure(self.config(self.names, dns={"stubs": [self.knot.stub(), {
            "zone": ZONE, "servers": ["127.0.0.1", "127.0.0.2"], "port": self.knot.port}]}))
        return server


def results(done):
    return {line["certificate"]: line for line in done.lines() if "result" in line}


def renewed(done, names, result="issued", how="delegation"):
    lines = results(done.ok())
    assert set(lines) == set(names)
    assert {(line["result"], line["validation"]) for line in lines.values()} == {(result, how)}


def rows(p):
    with sqlite3.connect(f"file:{p.state_dir}/perdure.db?mode=ro", uri=True) as db:
        return db.execute("SELECT owner, text, cert FROM value").fetchall()


def changes(p):
    """The events of changed records."""
    with open(os.path.join(p.state_dir, "events/events.jsonl"), encoding="utf-8") as log:
        return [e for e in map(json.loads, log) if e["event"] == "record.changed"]


def all_at_once(jobs):
    """Runs functions at once; their results in their order."""
    out = [None] * len(jobs)
    threads = [threading.Thread(target=lambda i=i, job=job: out.__setitem__(i, job())) for i, job in enumerate(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def test_one_shared_name_costs_two_writes(stage):
    f = Fleet(stage, 3, extra=[f"_acme 300 TXT {FOREIGN}"])
    renewed(f.p.run("renew", "--json"), f.names)
    for name in f.names:
        harness.verify_chain(f.p, name, f.ca.roots(), [name, "*." + name])
    assert f.writes() == 2
    assert f.values() == [FOREIGN]
    assert not rows(f.p)
    status = f.p.run("status", "--json").ok().lines()
    assert {(s["validation"], s["validated_by"]) for s in status} == {("delegation", "delegation")}
    # In one order, by issue.
    renewed(f.p.run("issue", f.names[0], "--json"), f.names[:1], "renewed")
    assert f.writes() == 4 and f.values() == [FOREIGN]


def test_a_name_for_each_domain(stage):
    """docs/delegation.md has the number of writes."""
    f = Fleet(stage, 47, shared=False, ca=harness.TestCA)
    renewed(f.p.run("renew", "--json"), f.names)
    assert f.writes() == 2  # of all names together
    assert not any(f.values(label(n)) for n in f.names)


def test_a_name_that_is_refused_fails_alone(stage):
    """The key may write all names but one."""
    def home(stage, zones):
        return dns_servers.Bind(stage, zones, policy=" ".join(f"grant perdure-key name {label(f'w0{i}.bench.test')}. ANY;" for i in (0, 1, 3, 4)))
    f = Fleet(stage, 5, shared=False, ca=harness.TestCA, home=home)
    lines = results(f.p.run("renew", "--json"))
    assert [lines[n]["result"] for n in f.names] == ["issued", "issued", "failed", "issued", "issued"]
    assert label(f.names[2]) in lines[f.names[2]]["error"] and "REFUSED" in lines[f.names[2]]["error"]
    assert not any(f.values(label(n)) for n in f.names)


def test_kept_values_cost_one_write(stage):
    f = Fleet(stage, 2, keep=True)
    for times in (1, 2, 3):
        renewed(f.p.run("renew", "--json", "--force-renewal"), f.names, "issued" if times == 1 else "renewed")
        assert f.writes() == times
        assert len(f.values()) == 4
    # A certificate that is gone from the configuration leaves nothing.
    f.p.configure(f.config(f.names[:1]))
    f.p.run("renew").ok()
    assert len(f.values()) == 2


def others(*values):
    return [pytest.param(*v[:-1], marks=pytest.mark.long) if v[-1] else v[:-1] for v in values]


@pytest.mark.parametrize("home, shared", others((None, True, False), (None, False, True), (dns_servers.Bind, True, True), (dns_servers.Bind, False, False),
                                                (dns_servers.PowerDNS, True, True), (dns_servers.PowerDNS, False, False)))
def test_47_wildcard_domains_by_four_processes(stage, home, shared):
    """One of them is killed after its values were written, and run again."""
    names = [f"w{i:02d}.bench.test" for i in range(47)]
    owners = [SHARED] if shared else [label(n) for n in names]
    f = Fleet(stage, 47, shared, ca=harness.TestCA, home=home, extra=[f"{o.split('.')[0]} 300 TXT {FOREIGN}" for o in owners[::5]])
    processes = [f.p, *(f.perdure(f.names) for _ in range(3))]
    for i, p in enumerate(processes):
        p.configure(f.config(f.names[i::4]))
    f.p.binary = faults_path()
    fault = [{"PERDURE_FAULT": f"rrwrite-changed{'' if shared else ':5'}"}, {}, {}, {}]
    said = all_at_once([lambda p=p, env=env: p.run("renew", "--json", env=env) for p, env in zip(processes, fault)])
    for i, done in enumerate(said[1:], 1):
        renewed(done, f.names[i::4])
    assert said[0].rc == -signal.SIGKILL
    if not shared:
        assert sum(len(f.values(o)) for o in owners) == len(owners[::5]) + 2 * 12
    renewed(f.p.run("renew", "--json"), f.names[0::4])
    assert [f.values(o) for o in owners[::5]] == [[FOREIGN]] * len(owners[::5])
    assert not any(f.values(o) for o in set(owners) - set(owners[::5])) and not any(rows(p) for p in processes)
    # One shared name has room for 40 values at once: what adds some is a batch. That of the run that was killed has left no event.
    batches = 1 + sum(bool(e.get("after")) for p in processes for e in changes(p)) if shared else 4
    assert f.writes() <= 2 * batches


def test_four_processes_where_the_provider_does_not_compare(stage):
    """The RRset is replaced as a whole, by a provider that allows no TTL below an hour."""
    f = Fleet(stage, 8, ca=harness.TestCA)
    desec = Desec(stage, f.knot, [ZONE])
    desec.put(SHARED, "TXT", FOREIGN)
    f.provider = {**desec.entry(stage.folder("desec")), "name": "edge"}
    processes = [f.perdure(f.names) for _ in range(4)]
    for i, p in enumerate(processes):
        p.configure(f.config(f.names[i::4]))
    said = all_at_once([lambda p=p: p.run("renew", "--json") for p in processes])
    for i, done in enumerate(said):
        renewed(done, f.names[i::4])
    assert desec.stands(SHARED) == [FOREIGN]
    # Alone at the name it gets the wish as far as the provider allows it, and says so.
    desec.zones[ZONE].clear()
    desec.push(ZONE, "_acme", "TXT")
    again = processes[0].run("renew", "--json", "--force-renewal").ok()
    assert "3600 s, not the 300 s wished for: the provider allows no less; a CA that has just seen older values there may go on with them" in again.err
    assert desec.stands(SHARED) == []


def test_only_one_process_changes_a_name_that_cannot_be_compared(stage):
    f = Fleet(stage, 1)
    desec = Desec(stage, f.knot, [ZONE])
    f.provider = {**desec.entry(stage.folder("desec")), "name": "edge"}
    f.p.configure(f.config(f.names))
    folder = "/run/lock" if os.access("/run/lock", os.W_OK) else "/tmp"
    path = f"{folder}/perdure-{os.geteuid()}-{hashlib.sha256(SHARED.encode()).hexdigest()[:32]}.lock"
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = f.p.start("renew")
        harness.wait_until("the search for the zone", 60, lambda: desec.calls)
        time.sleep(1)
        assert run.poll() is None and not [c for c in desec.calls if "/rrsets/" in c[1]], desec.calls
    assert run.wait(60) == 0
    assert [c for c in desec.calls if "/rrsets/" in c[1]]


def test_more_values_than_may_stand(stage):
    f = Fleet(stage, 5, values=4)
    most = []
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            most.append(len(f.values()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    done = f.p.run("renew", "--json")
    stop.set()
    watcher.join()
    renewed(done, f.names)
    assert max(most) <= 4
    assert f.writes() <= 6  # three batches
    assert f.values() == [] and not rows(f.p)


def test_the_wait_ends_when_the_last_server_has_it(stage):
    f = Fleet(stage, 2)
    second = f.second_server()
    run = f.p.start("renew", "--json", "-v", log=os.path.join(f.p.folder, "log"))
    log = lambda: harness.read(os.path.join(f.p.folder, "log"))  # noqa: E731
    harness.wait_until("the look at both servers", 60, lambda: f"DNS {SHARED}: 1 of 2 servers" in log())
    looks = log().count("1 of 2 servers")
    harness.wait_until("two more looks", 60, lambda: log().count("1 of 2 servers") >= looks + 2)
    assert f.ca.log_requests()["chalZ"] == 0 and run.poll() is None
    assert len(f.values()) == 4
    second.change([f"_acme 300 TXT {v}" for v in f.values()])
    assert run.wait(60) == 0, log()
    assert f.ca.log_requests()["chalZ"] >= 4
    assert f.values() == []


class Lagging:
    """
    A secondary at 127.0.0.2, beside the primary: it passes questions on to that, but has nothing at the validation name until .has_it is set.
    Attributes: answers, how many values were in each answer about that name.
    """

    def __init__(self, stage, port):
        self.has_it, self.answers, self.port = threading.Event(), [], port
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.2", port))
        threading.Thread(target=self.serve, daemon=True).start()
        stage.closers.append(self.socket.close)

    def serve(self):
        while True:
            try:
                data, asker = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(data)
            reply = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=5)
            if query.question[0].name.to_text().lower() == SHARED + ".":
                if not self.has_it.is_set():
                    reply.answer.clear()
                self.answers.append(sum(map(len, reply.answer)))
            self.socket.sendto(reply.to_wire(), asker)


def test_a_secondary_that_lags(stage, request):
    """The wait ends with the first answer that has the values: no challenge before it, no other look after it. With --long it lags 20 s."""
    f = Fleet(stage, 2)
    second = Lagging(stage, f.knot.port)
    f.p.configure(f.config(f.names, dns={"stubs": [f.knot.stub(), {"zone": ZONE, "servers": ["127.0.0.1", "127.0.0.2"], "port": f.knot.port}]}))
    run = f.p.start("renew", "--json")
    harness.wait_until("the values at the primary", 60, lambda: len(f.values()) == 4)
    before = len(second.answers)
    if request.config.getoption("--long"):
        time.sleep(20)
    harness.wait_until("three more looks", 60, lambda: len(second.answers) >= before + 3)
    assert f.ca.log_requests()["chalZ"] == 0 and run.poll() is None and not any(second.answers)
    second.has_it.set()
    assert run.wait(60) == 0
    assert [n for n in second.answers if n] == [4]
    assert f.ca.log_requests()["chalZ"] >= 4 and f.values() == []


def test_a_run_that_was_killed_leaves_nothing_after_the_next(stage):
    f = Fleet(stage, 2, extra=[f"_acme 300 TXT {FOREIGN}"])
    f.second_server()
    run = f.p.start("renew")
    harness.wait_until("the values", 60, lambda: len(f.values()) == 5)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait(20)
    assert len(f.values()) == 5 and len(rows(f.p)) == 4
    # One is not configured any more, the other one's order goes on with the same value.
    f.p.configure(f.config(f.names[:1]))
    done = f.p.run("renew", "--json")
    assert results(done)[f.names[0]]["resumed"]
    renewed(done, f.names[:1])
    assert f.values() == [FOREIGN] and not rows(f.p)


def test_killed_at_every_step(stage):
    """Wherever it is killed, the next run has the certificates, and nothing is left."""
    f = Fleet(stage, 2, extra=[f"_acme 300 TXT {FOREIGN}"])
    f.p.binary = faults_path()
    f.p.run("renew").ok()
    for point in ("presenter-written-down", "rrwrite-changed", "rrwrite-changed:2", "acme-prepared", "acme-challenge-answered", "acme-authorizations-valid",
                  "issue.issued", "issue.installed"):
        hit = f.p.run("renew", "--force-renewal", env={"PERDURE_FAULT": point})
        assert hit.rc == -signal.SIGKILL, (point, hit)
        f.p.run("renew").ok()
        assert f.values() == [FOREIGN] and not rows(f.p), point
        with sqlite3.connect(f"file:{f.p.state_dir}/perdure.db?mode=ro", uri=True) as db:
            assert db.execute("SELECT count(*) FROM work").fetchone() == (0,), point


def test_servers_that_never_get_it(stage):
    f = Fleet(stage, 1, wait="1s")
    f.second_server()
    done = f.p.run("renew", "--json")
    line = results(done)[f.names[0]]
    assert done.rc == 75 and line["result"] == "parked" and "does not have it yet" in line["error"]
    assert f.ca.log_requests()["chalZ"] == 0
    f.p.configure(f.config(f.names))
    renewed(f.p.run("renew", f.names[0], "--json"), f.names)
    assert f.values() == [] and not rows(f.p)


def test_a_refusal_takes_the_values_out(stage):
    f = Fleet(stage, 1)
    # The CA's way there is another one than ours: it sees nothing.
    other = harness.Knot(stage, f.names)
    f.ca.stop()
    f.ca = harness.Pebble(stage, other.address)
    f.p = f.perdure(f.names)
    done = f.p.run("renew", "--json")
    assert done.rc == 1 and results(done)[f.names[0]]["result"] == "failed"
    assert f.writes() == 2 and f.values() == [] and not rows(f.p)


@pytest.mark.parametrize("cnames, records, says", [
    (None, [], "has no CNAME"),
    (lambda name: "elsewhere.example", [], "leads to elsewhere.example and not to " + SHARED),
    (None, ["* 300 CNAME " + SHARED + "."], "comes from the wildcard"),
])
def test_delegations_that_do_not_stand(stage, cnames, records, says):
    f = Fleet(stage, 1, cnames=cnames, records={"w00.bench.test": records})
    done = f.p.run("renew", "--json")
    line = results(done)[f.names[0]]
    assert done.rc == 1 and line["result"] == "held" and says in line["error"], line
    assert "_acme-challenge.w00.bench.test" in line["error"] + line["hint"]
    assert f.writes() == 0 and f.ca.log_requests()["chalZ"] == 0
    if "wildcard" in says:  # with consent
        f.delegation["follow"] = True
        f.p.configure(f.config(f.names))
        renewed(f.p.run("renew", f.names[0], "--json"), f.names)


def test_dns_01_at_the_domain_itself(stage):
    f = Fleet(stage, 2, cnames=None, validation="dns-01", records={"w01.bench.test": [f"_acme-challenge 300 TXT {FOREIGN}"]})
    del f.provider["zones"]
    f.p.configure(f.config(f.names))
    renewed(f.p.run("renew", "--json"), f.names, how="dns-01")
    assert [f.values("_acme-challenge." + n) for n in f.names] == [[], [FOREIGN]]
    assert [f.writes(n) for n in f.names] == [2, 2]


def test_auto_takes_what_works(stage):
    """w00 has the standing record, w01 the delegation, w02 neither but a provider."""
    f = Fleet(stage, 3, shared=False, validation="auto", cnames=None)
    del f.provider["zones"]
    f.p.configure(f.config(f.names))
    f.knot.nsupdate([f"_acme-challenge.{f.names[1]}. 300 CNAME {label(f.names[1])}."])
    shown = f.p.run("record", "show", "--format", "zone", "--ca", "pebble", f.names[0], "*." + f.names[0]).ok().out
    f.knot.nsupdate([line for line in shown.splitlines() if line.strip() and not line.startswith(";")])
    lines = results(f.p.run("renew", "--json").ok())
    assert [lines[n]["validation"] for n in f.names] == ["dns-persist-01", "delegation", "dns-01"]
    # Without a provider there is nothing but the record.
    f.p.configure({k: v for k, v in f.config(f.names).items() if k not in ("providers", "delegation")})
    done = f.p.run("renew", "--json", "--force-renewal")
    assert [results(done)[n]["result"] for n in f.names] == ["renewed", "held", "held"]


def test_standing_records_open_no_credentials_whatever_is_configured(stage):
    need_strace()
    f = Fleet(stage, 1, validation="auto")
    harness.publish_records(f.p, f.knot)
    f.p.binary = plain_path()  # sanitizers do not go with strace
    log = os.path.join(f.p.folder, "strace.log")
    renewed(f.p.run("renew", "--json", wrap=["strace", "-f", "-qq", "-o", log, "-e", "trace=open,openat,openat2", "-s", "4096"]), f.names, how="dns-persist-01")
    opened = re.findall(r'"([^"]*)"', harness.read(log))
    assert any(path.endswith("perdure.db") for path in opened)
    assert f.knot.tsig_file not in opened
