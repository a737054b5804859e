"""
`record apply` through a program of the operator (provider type exec), in both forms, in front of a real Knot: what others have at the names stays or its
loss is told, programs that misbehave in all ways, and credentials that show nowhere.
"""
import glob
import os
import re
import subprocess
import threading
import time

import pytest

import harness
from small_servers import Directory

FOREIGN = '"v=spf1 -all" "second \\"string\\""'

LEGO = """#!/usr/bin/python3
import os, subprocess, sys
verb, name, value = sys.argv[1:]
assert name.endswith(".")
with open(os.environ["NOTES"], "a") as notes:
    print(verb, sorted(os.environ), os.getcwd(), os.listdir("/proc/self/fd"), file=notes)
how = os.environ.get("BEHAVE", "")
lines = ["server 127.0.0.1 " + os.environ["DNS_PORT"], "key " + os.environ["DNS_KEY"]]
if how == "wipe":
    lines.append("del " + name + " TXT")
lines.append(("add " + name + " 60" if verb == "present" else "del " + name) + ' TXT "' + value + '"')
if how != "nothing":
    subprocess.run(["nsupdate", "-v"], input="\\n".join(lines + ["send", ""]), text=True, check=True)
"""


def example():
    (found,) = re.findall(r"```python\n(#!.*?)```", harness.read(os.path.join(harness.ROOT, "docs", "providers.md")), re.S)
    return found


class World:
    def __init__(self, stage, make_knot, protocol, n=2, **more):
        self.stage = stage
        self.zones = [f"w{i:02d}.bench.test" for i in range(n)]
        self.knot = make_knot(self.zones, records={"w01.bench.test": [f"_validation-persist TXT {FOREIGN}"]} if n > 1 else {})
        self.ca = Directory(stage)
        self.folder = stage.folder("exec")
        self.notes = os.path.join(self.folder, "notes")
        self.env_file = harness.write(os.path.join(self.folder, "env"), "", 0o600)
        self.variables(BEHAVE="")
        self.program = os.path.join(self.folder, "hook")
        self.use(example() if protocol == "json" else LEGO)
        self.entry = {"name": "own", "type": "exec", "program": self.program, "protocol": protocol, "env_file": self.env_file, "timeout": "20s", **more}
        if protocol == "lego":
            self.entry["server"] = f"127.0.0.1@{self.knot.port}"
        self.config = {"cas": [self.ca.config_entry()], "dns": {"stubs": [self.knot.stub()]}, "providers": [self.entry],
                       "certificates": [{"names": [z, "*." + z]} for z in self.zones]}
        self.p = harness.Perdure(stage, self.config)
        self.value = f'"ca.test;accounturi={self.ca.base}/acct/1;policy=wildcard"'

    def use(self, text):
        harness.write(self.program, text, 0o700)

    def variables(self, **more):
        every = {"DNS_SERVER": "127.0.0.1", "DNS_PORT": self.knot.port, "DNS_KEY": f"hmac-sha256:{self.knot.tsig_name} {self.knot.tsig_secret}",
                 "NOTES": self.notes, **more}
        harness.write(self.env_file, "# for the hook\n\n" + "".join(f"export {k}='{v}'\n" if k == "DNS_KEY" else f"{k}={v}\n" for k, v in every.items()),
                      0o600)

    def owner(self, i=0):
        return "_validation-persist." + self.zones[i]

    def stands(self, i=0):
        out = subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.knot.port), "+short", "+tcp", self.owner(i), "TXT"], capture_output=True, text=True,
                             timeout=20, check=True)
        return sorted(line.replace("\\;", ";") for line in out.stdout.splitlines() if line)

    def run(self, *args, rc=0, **kw):
        done = self.p.run("record", *args, **kw)
        assert done.rc == rc, str(done)
        assert self.knot.tsig_secret not in done.out + done.err
        return done

    def apply(self, *args, **kw):
        return self.run("apply", "--yes", "--timeout", "20", *args, **kw)

    def fails(self, *args, env=None):
        """Applies to the first zone; the one line of the outcome."""
        (line,) = self.apply("--json", *(args or self.zones[:1]), rc=1, env=env).lines()
        assert line["outcome"] == "failed" and line["hint"], line
        return line


@pytest.fixture
def world(stage, make_knot):
    return lambda *a, **kw: World(stage, make_knot, *a, **kw)


@pytest.mark.parametrize("protocol", ["json", "lego"])
def test_published_beside_what_is_there_and_undone(world, protocol):
    w = world(protocol)
    before = w.stands(1)
    assert len(before) == 1
    w.apply()
    assert w.stands(0) == [w.value] and w.stands(1) == sorted([w.value, *before])
    serials = w.knot.serials()
    w.apply()
    assert w.knot.serials() == serials
    (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
    w.apply("--undo", run[:-6])
    assert w.stands(0) == [] and w.stands(1) == before


@pytest.mark.parametrize("protocol", ["json", "lego"])
def test_a_record_that_is_not_enough_gives_way(world, protocol):
    w = world(protocol)
    w.knot.nsupdate([f"{w.owner(1)} 60 TXT {w.value.replace(';policy=wildcard', '')}"])
    w.apply()
    assert len(w.stands(1)) == 2 and w.value in w.stands(1)


@pytest.mark.parametrize("protocol", ["json", "lego"])
def test_the_provider_is_proved_end_to_end(world, protocol):
    w = world(protocol)
    done = w.p.run("provider", "test", "own", "--zone", w.zones[0])
    assert done.rc == 0, done


def test_damage_is_told_with_what_to_restore(world):
    w = world("lego")
    w.variables(BEHAVE="wipe")
    line = w.fails(w.zones[1])
    assert "DAMAGE" in line["error"] and w.owner(1) + ". 3600 IN TXT " + FOREIGN in line["error"]
    assert w.stands(1) == [w.value.replace(";policy=wildcard", "")]


@pytest.mark.parametrize("protocol", ["json", "lego"])
def test_yes_and_nothing_done(world, protocol):
    w = world(protocol, n=1, timeout="2s")
    w.variables(BEHAVE="nothing")
    if protocol == "json":
        w.use(example().replace('subprocess.run(["nsupdate"', 'subprocess.run(["true"'))
    assert re.search("does not (serve|have) the change", w.fails()["error"])


@pytest.mark.parametrize("protocol", ["json", "lego"])
@pytest.mark.parametrize("script, words", [
    ("echo no such zone >&2; exit 1", r"ended with 1: no such zone"),
    ("exit 75", r"ended with 75"),
    ("exit 2", r"ended with 2"),
    ("kill -SEGV $$", r"killed by signal 11"),
    ("echo started >&2; exec sleep 60", r"longer than 1 s and was killed: started"),
    ("yes", r"wrote more than 1048576 octets"),
    ("yes | head -c 300000 >&2; printf '\\033[31m%s\\n' \"$DNS_KEY\" >&2; exit 3", r"ended with 3: … .*\*{20}"),
])
def test_programs_that_fail(world, protocol, script, words):
    w = world(protocol, n=1, timeout="1s")
    w.use("#!/bin/sh\n" + script + "\n")
    started = time.monotonic()
    line = w.fails()
    assert re.search(words, line["error"]), line
    shown = w.apply(w.zones[0], rc=1)
    assert "\033" not in shown.err + shown.out and time.monotonic() - started < 60
    assert w.stands() == []


@pytest.mark.parametrize("output", ["", "no JSON", "[]", '{"zone": 5}', '{"zone": "other.test"}', '{"zone": "w00.bench.test"} more', "\\377\\376", "{" * 50000])
def test_output_that_makes_no_sense(world, output):
    w = world("json", n=1)
    w.use(f"#!/bin/sh\nprintf '{output}'\n")
    assert "output" in w.fails()["error"]


@pytest.mark.parametrize("reply", ['{"ttl": -1, "values": ["x"]}', '{"values": "x"}', '{"ttl": 60, "values": [5]}', '{"ttl": 60, "values": ["\\"open"]}'])
def test_records_that_make_no_sense(world, reply):
    w = world("json", n=1)
    w.use(f"#!/usr/bin/python3\nimport json, sys\nq = json.load(sys.stdin)\nprint(json.dumps({{'zone': q['name']}}) if q['verb'] == 'zone' else {reply!r})\n")
    assert "makes no sense" in w.fails()["error"]


def test_a_race_that_is_lost_is_run_again(world):
    w = world("json", n=1)
    w.use(example().replace('elif q["verb"] == "change":', f"""elif q["verb"] == "change" and not os.path.exists({w.notes!r}):
    open({w.notes!r}, "w")
    reply = {{"outcome": "lost"}}
elif q["verb"] == "change":"""))
    w.apply()
    assert os.path.exists(w.notes) and w.stands() == [w.value]


def both_at_once(w, while_they_run=lambda: None):
    """Two perdures for two CAs at the same names; that both ended well."""
    other = harness.Perdure(w.stage, {**w.config, "cas": [w.ca.config_entry(issuer="second.test")]})
    runs = [p.start("record", "apply", "--yes", "--no-wait", "--quiet") for p in (w.p, other)]
    while_they_run()
    assert [r.wait(60) for r in runs] == [0, 0]
    for i in range(len(w.zones)):
        values = w.stands(i)
        assert w.value in values and w.value.replace("ca.test", "second.test") in values, values


@pytest.mark.parametrize("protocol", ["json", "lego"])
def test_two_perdures_and_somebody_else_at_once(world, protocol):
    w = world(protocol)
    before = [w.stands(i) for i in range(2)]

    def third_party():
        for k in range(8):
            w.knot.nsupdate([f'{w.owner(i)} 60 TXT "foreign {k}"' for i in range(2)])

    both_at_once(w, third_party)
    for i in range(2):
        assert [v for v in w.stands(i) if "foreign" in v] == [f'"foreign {k}"' for k in range(8)] and set(before[i]) <= set(w.stands(i))


def test_two_perdures_and_a_program_that_replaces_the_whole_set(world):
    """As many of them do: it reads, takes its time, and writes all that it read and the new value."""
    w = world("lego")
    w.use(LEGO.replace("lines.append((\"add \"", """import time
there = subprocess.run(["kdig", "@127.0.0.1", "-p", os.environ["DNS_PORT"], "+short", "+tcp", name, "TXT"], stdout=subprocess.PIPE, text=True).stdout
time.sleep(0.3)
lines += ["del " + name + " TXT"] + ["add " + name + " 60 TXT " + line for line in there.splitlines()]
lines.append((\"add \""""))
    before = w.stands(1)
    both_at_once(w)
    assert set(before) <= set(w.stands(1)) and len(w.stands(0)) == 2


def test_a_ticket_is_waited_for(world):
    w = world("json", n=1)
    w.use(example().replace('{"outcome": "changed"}', '{"outcome": "changed", "ticket": "t-17", "note": "it may take a while"}').replace("    sys.exit(2)", f"""
    assert q["verb"] == "sync" and q["ticket"] == "t-17"
    n = len(open({w.notes!r}, "a+").read() or open({w.notes!r}).read())
    open({w.notes!r}, "a").write("x")
    sys.exit(75 if n == 0 else 0)"""))
    w.apply()
    assert harness.read(w.notes) == "xx"


def test_what_the_program_gets_to_see(world):
    w = world("lego", n=1, env=["OTHER"])
    w.apply(env={"OTHER": "1", "SECRET_OF_OURS": "2"})
    (line,) = harness.read(w.notes).splitlines()
    names = re.search(r"\[(.*?)\]", line).group(1).replace("'", "").split(", ")
    # LC_CTYPE is Python's own
    assert set(names) - {"LC_CTYPE"} == {"PATH", "OTHER", "BEHAVE", "DNS_KEY", "DNS_PORT", "DNS_SERVER", "NOTES"} and line.startswith("present")
    assert "] / ['0', '1', '2', '3'" in line and line.count("'") == 2 * (len(names) + 5), line


@pytest.mark.parametrize("change, words", [
    ({"program": "/nonexistent/hook"}, "cannot run /nonexistent/hook"),
    ({"env": ["NOT_SET_AT_ALL"]}, "NOT_SET_AT_ALL is not set"),
    ({"env_file": "/etc/passwd"}, "env_file"),
    ({"server": None}, "server is missing"),
])
def test_configurations_that_cannot_work(world, change, words):
    w = world("lego", n=1)
    w.entry.update(change)
    w.entry = {k: v for k, v in w.entry.items() if v is not None}
    w.p.configure({**w.config, "providers": [w.entry]})
    done = w.p.run("provider", "test", "own", "--zone", w.zones[0])
    assert done.rc in (1, 2) and words in done.err and "hint" in done.err, done


def test_the_credential_is_nowhere(world):
    w = world("lego", n=2)
    w.use(LEGO + "\nimport time; time.sleep(0.3); print(os.environ['DNS_KEY'], file=sys.stderr)\n" + "sys.exit(verb == 'cleanup')\n")
    seen, leaks, stop = [], [], threading.Event()

    def look():
        while not stop.is_set():
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    with open(path, "rb") as f:
                        line = f.read()
                except OSError:
                    continue
                if w.program.encode() in line:
                    seen.append(line)
                if w.knot.tsig_secret.encode() in line:
                    leaks.append(line)
            time.sleep(0.05)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        w.run("plan", "-vv")
        w.apply("-vv")
        (run,) = os.listdir(os.path.join(w.p.state_dir, "records"))
        failed = w.apply("-vv", "--undo", run[:-6], rc=1)
    finally:
        stop.set()
        watcher.join()
    assert seen and not leaks and "*****" in failed.out + failed.err
    for folder, _, files in os.walk(w.p.state_dir):
        for file in files:
            with open(os.path.join(folder, file), "rb") as f:
                assert w.knot.tsig_secret.encode() not in f.read(), file
