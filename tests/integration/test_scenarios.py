"""
The scenarios of tests/scenarios/: what a CA, the DNS, the clock or the disk does, and what must hold afterwards. A file is a behaviour:

    about: one sentence                   certificates: 1 (how many wildcard certificates)
    ca: {options of harness.TestCA}       entry: {more in the entry of cas:}      config: {more top-level keys}
    issued: true                          each certificate is there already, before the faults
    register: false                       no account is registered and no record published before the steps
    own_dns: true                         a name server of its own, which may be stopped
    refused: 0, given_up: 0               see invariants.at_rest()
    recover: false                        no plain run at the end
    steps:
      - faults: [rules of docs/testca.md]     ca: [commands of its control socket]
        dns: [lines of Knot.nsupdate()]       knot: stop or start
        db: of the database: keep a copy, put it back, lose it, lose its log, damage it
        run: renew                            the command; rate: N (times faster), clock: +3d (shifted), strace: injection
        killed: point:n                       the command is killed when it passes that fault point for the n-th time
        rc: 0                                 says: [words of the output]    never: [words that must not be there]
        results: [issued, failed]             of each certificate, in order; one word for all
        requests: {newOrder: 1}               of this step at the CA
        certificates: 1, orders: 1, accounts: 1   at the CA by now
        work: 1                               orders in work afterwards
        next: [60, 70]                        seconds from now on when the first certificate is tried again
        updates: 2                            of this step, dynamic updates of the DNS by perdure

A number may be [least, most], a status one of several. {1} is the first certificate's name, {time +3d} the moment
so far from now (s, m, h, d), {account} the account's URL, {base} the
CA's origin, {dns} and {tsig} the name server and the key that may update it, {eab} a file with the CA's key for external account binding, {record} the first certificate's record as a line of a zone file, MANY a thousand URLs and LONG 200 kB of text. A step clears the faults of the one before it. After the last step the faults end, the records are published again, and a plain run must bring every certificate to its rest.
"""
import functools
import glob
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import time

import invariants
import pytest
import yaml
from e2e import at_time, faults_path, need_faketime, plain_path, rows
from harness import ROOT, HarnessError, Knot, Perdure, Stage, TestCA, publish_records, read, set_up_account, write, zones_named
from state_tool import need_strace

SCENARIOS = sorted(glob.glob(os.path.join(ROOT, "tests/scenarios/*.yaml")))
KEYS = {"about", "certificates", "ca", "entry", "config", "issued", "register", "own_dns", "refused", "given_up", "recover", "steps"}
STEP_KEYS = {"faults", "ca", "dns", "knot", "db", "run", "rate", "clock", "strace", "killed", "rc", "says", "never", "results", "requests",
             "certificates", "orders", "accounts", "work", "next", "updates"}


@functools.lru_cache(None)
def program():
    """With fault points and a clock that can run faster; with sanitizers where make test built one."""
    return os.environ.get("PERDURE_FAULTS_BIN") or faults_path()


@pytest.fixture(scope="module")
def world():
    """One name server for all scenarios, and names of which each is used once."""
    with Stage() as stage:
        # Enough for all of them: how they are split among workers is chance.
        names = zones_named(sum(yaml.safe_load(read(path)).get("certificates", 1) for path in SCENARIOS))
        yield Knot(stage, names), iter(names)


def listed(value):
    return value if isinstance(value, list) else [value]


def moment(m):
    """RFC 3339 of the moment that a match of {time +3d} tells."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + int(m[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[m[2]]))


class Scene:
    """One scenario being played."""

    def __init__(self, stage, world, text):
        self.stage = stage
        self.s = yaml.safe_load(text)
        assert not set(self.s) - KEYS, f"unknown: {set(self.s) - KEYS}"
        n = self.s.get("certificates", 1)
        if self.s.get("own_dns"):
            self.names = zones_named(n)
            self.knot = Knot(stage, self.names)
        else:
            self.knot, names = world
            self.names = list(itertools.islice(names, n))
            assert len(self.names) == n, "more certificates than names"
        options = self.s.get("ca", {})
        dns = None if options.pop("dns", "") == "none" else self.knot.address
        self.ca = TestCA(stage, dns, **options)
        self.words = {"MANY": json.dumps([f"https://localhost/{i}" for i in range(1000)]), "LONG": "long " * 40000, "{dns}": f"127.0.0.1@{self.knot.port}", "{tsig}": self.knot.tsig_file,
                      "{eab}": write(os.path.join(self.ca.folder, "eab.key"), self.ca.eab_key, 0o600), "{base}": self.ca.dir_url[: self.ca.dir_url.index("/", 9)], **{f"{{{i}}}": x for i, x in enumerate(self.names, 1)}}
        self.p = Perdure(stage, {
            "cas": [self.ca.config_entry(**self.told(self.s.get("entry", {})))],
            "dns": {"stubs": [self.knot.stub()]},
            "archive": {"keep": 1000},
            "certificates": [{"name": x, "names": [x, "*." + x]} for x in self.names],
            **self.told(self.s.get("config", {})),
        }, binary=program())
        self.counted = self.ca.log_requests()

    def told(self, value):
        """The value with the words in braces replaced, in every string of it."""
        if isinstance(value, dict):
            return {k: self.told(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.told(v) for v in value]
        if isinstance(value, str):
            for word, text in self.words.items():
                value = value.replace(word, text)
            value = re.sub(r"\{time ([+-]\d+)([smhd])\}", moment, value)
        return value

    def register(self):
        set_up_account(self.p)
        lines = publish_records(self.p, self.knot)
        self.words["{record}"] = lines[0] if lines else ""
        self.words["{account}"] = self.p.run("account", "show", "--json").ok().json()["url"]

    def play(self):
        if self.s.get("register", True):
            self.register()
        if self.s.get("issued"):
            self.p.run("renew").ok()
        for i, step in enumerate(self.s["steps"], 1):
            assert not set(step) - STEP_KEYS, f"unknown: {set(step) - STEP_KEYS}"
            self.step(self.told(step), f"step {i}")
        if self.s.get("recover", True):
            self.recover()

    def database(self, what):
        files = {end: os.path.join(self.p.state_dir, "perdure.db" + end) for end in ("", "-wal", "-shm")}
        copies = {end: os.path.join(self.p.folder, "kept.db" + end) for end in files}
        if what == "keep a copy":
            for end in filter(lambda end: os.path.exists(files[end]), files):
                shutil.copy2(files[end], copies[end])
            return
        for end in {"put it back": files, "lose it": files, "lose its log": ["-wal", "-shm"], "damage it": []}[what]:
            pathlib.Path(files[end]).unlink(missing_ok=what != "lose its log")
            if what == "put it back" and os.path.exists(copies[end]):
                shutil.copy2(copies[end], files[end])
        if what == "damage it":
            with open(files[""], "r+b") as f:
                f.seek(4096)
                f.write(b"\xff" * 8192)

    def arrange(self, step):
        self.ca.clear()
        if "db" in step:
            self.database(step["db"])
        if step.get("knot"):
            getattr(self.knot, step["knot"])()
        if step.get("dns"):
            self.knot.nsupdate(listed(step["dns"]))
        for command in listed(step.get("ca", [])):
            self.ca.command(command.pop("cmd"), **command)
        for rule in listed(step.get("faults", [])):
            self.ca.fault(rule.pop("fault"), **rule)
        self.counted = self.ca.log_requests()
        self.updated = self.updates() if "updates" in step else 0

    def updates(self):
        """Dynamic updates of our zones so far."""
        return sum(n for zone, n in self.knot.update_counts().items() if zone in self.names)

    def step(self, step, where):
        self.arrange(step)
        if "run" not in step:
            return
        options = {"env": {}, "wrap": []}
        if "rate" in step:
            options["env"]["PERDURE_TIME_RATE"] = str(step["rate"])
        if "clock" in step:
            need_faketime()
            options["wrap"] = at_time(step["clock"])["wrap"]
            options["env"].update(at_time(step["clock"])["env"])
        if "killed" in step:
            options["env"]["PERDURE_FAULT"] = step["killed"]
        if "strace" in step:
            need_strace()
            options["wrap"] = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + step["strace"]]
        if options["wrap"]:
            self.p.binary = plain_path()  # sanitizers go with neither
        done = self.p.run(*step["run"].split(), **options)
        self.p.binary = program()
        self.check(step, done, f"{where}: {done}")

    def check(self, step, done, where):
        assert done.rc in listed(step.get("rc", -signal.SIGKILL if "killed" in step else 0)), where
        text = done.out + done.err
        for words in listed(step.get("says", [])):
            assert words in text, f"not said: {words}\n{where}"
        for words in listed(step.get("never", [])):
            assert words not in text, f"said: {words}\n{where}"
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", text), f"a control character on the terminal\n{where}"
        if "results" in step:
            found = {name: word for word, name in re.findall(r"^(issued|renewed|held|parked|failed) (\S+)", done.out, re.M)}
            wanted = step["results"] if isinstance(step["results"], list) else [step["results"]] * len(self.names)
            assert [found.get(name, "-") for name in self.names] == wanted, where
        made = self.ca.log_requests()
        made.subtract(self.counted)
        for endpoint, n in step.get("requests", {}).items():
            assert invariants.within(made[endpoint], n), f"{endpoint}: {made[endpoint]} requests, not {n}: {dict(made)}\n{where}"
        for what in {"certificates", "orders", "accounts"} & set(step):
            n = len(self.ca.command(what, n=10000)[what])
            assert invariants.within(n, step[what]), f"{n} {what} at the CA\n{where}"
        if os.path.exists(os.path.join(self.p.state_dir, "perdure.db")):
            work = rows(self.p, "SELECT cert, state, url FROM work")
            assert len(work) == step.get("work", len(work)), f"orders in work: {work}\n{where}"
        if "updates" in step:
            n = self.updates() - self.updated
            assert invariants.within(n, step["updates"]), f"{n} dynamic updates\n{where}"
        if "next" in step:
            at = rows(self.p, f"SELECT next_at FROM cert WHERE name = '{self.names[0]}'")[0][0]
            low, high = step["next"]
            assert low <= at - time.time() <= high, f"tried again in {at - time.time():.0f} s, not {low} to {high}\n{where}"
        invariants.at_any_moment(self.p, self.names)

    def recover(self):
        self.ca.clear()
        if not self.s.get("register", True):
            self.register()
        publish_records(self.p, self.knot)
        self.p.run("renew", *self.names).ok()
        invariants.at_rest(self.p, self.names, self.ca, self.s.get("refused", 0), self.s.get("given_up", 0))
        assert not rows(self.p, "SELECT owner, text FROM value"), "values of dns-01 are left"
        assert self.p.run("renew", "--exit-code").rc == 3


@pytest.mark.parametrize("path", SCENARIOS, ids=[os.path.basename(path)[:-5] for path in SCENARIOS])
def test_scenario(path, stage, world):
    scene = Scene(stage, world, read(path))
    scene.play()
    scene.ca.stop()
