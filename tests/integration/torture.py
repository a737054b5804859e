#!/usr/bin/env python3
"""
Kills perdure, and fails its calls, everywhere: at every fault point (each passage of it), and at every call that changes a file of the
state directory (each of them, found by path and number), over the first issue and the renewal of several certificates at once, and over a
change of the account key, against perdure-testca. After each run the state must be as invariants.py says, and a plain run must finish the work by itself.

    torture.py [--sample N] [--seed N] [--jobs N] [RUN...]      prints progress, each finding, and one line of summary; status 1 for findings
"""
import argparse
import collections
import functools
import multiprocessing
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import invariants  # noqa: E402
from e2e import faults_path, plain_path  # noqa: E402
from harness import HarnessError, Perdure, Stage, TestCA, set_up_account, zones_named  # noqa: E402

N = 3
CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "syncfs", "ftruncate", "rename", "renameat", "renameat2", "symlink", "symlinkat", "link",
         "linkat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "fchmod", "chmod")
WAYS = ("signal=KILL", "error=ENOSPC", "error=EIO", "error=EINTR")
KINDS = ("lost keys", "partial files", "double issues", "mismatched pairs", "other findings")
RUNS = {"issue": ("renew",), "renew": ("renew", "--force-renewal"), "rollover": ("account", "rollover")}

# How to harm a run: which, "point" or "call", at what, by what.
Harm = collections.namedtuple("Harm", "run kind name path at way")


@functools.lru_cache(None)
def with_points():
    """The program with fault points: built once, before there are several processes."""
    return faults_path()


def told(h):
    return f"{h.run}: {h.way} at {h.name} {h.at}" + (f" of {h.path}" if h.path else "")


class Bench:
    """A CA and a state directory that goes back to where it was before each run."""

    def __init__(self, stage, **ca):
        self.stage = stage
        self.names = zones_named(N)
        self.ca = TestCA(stage, **ca)
        self.p = Perdure(stage, {
            "cas": [self.ca.config_entry()], "dns": {"mode": "none"}, "archive": {"keep": 1000},
            "certificates": [{"name": x, "names": [x, "*." + x]} for x in self.names],
        }, binary=plain_path())
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="perdure-", dir=memory)
        stage.closers.append(lambda: shutil.rmtree(self.folder, ignore_errors=True))
        self.p.state_dir = os.path.join(self.folder, "state")
        self.p.configure({**self.p.config, "state_dir": self.p.state_dir})
        set_up_account(self.p)
        shutil.copytree(self.p.state_dir, self._kept("issue"), symlinks=True)
        self.p.run("renew").ok()
        shutil.copytree(self.p.state_dir, self._kept("renew"), symlinks=True)

    def _kept(self, run):
        return os.path.join(self.folder, "before-" + run)

    def restore(self, run):
        """The state as it was before such a run; what the CA has by then. A rollover cannot be taken back: its state goes on."""
        if run == "rollover":
            return invariants.Before(self.p, self.ca)
        shutil.rmtree(self.p.state_dir)
        shutil.copytree(self._kept(run), self.p.state_dir, symlinks=True)
        return invariants.Before(self.p, self.ca)

    def points(self, run):
        """Every passage of every fault point."""
        self.restore(run)
        file = os.path.join(self.folder, "points")
        done = Perdure.run(self._with(with_points()), *RUNS[run], env={"PERDURE_FAULT_LIST": file}).ok()
        with open(file, encoding="utf-8") as f:
            counts = collections.Counter(f.read().split())
        os.unlink(file)
        assert counts and done
        return [Harm(run, "point", name, None, k, "signal=KILL") for name, n in sorted(counts.items()) for k in range(1, n + 1)]

    def calls(self, run):
        """Every call that concerns a file below the state directory, in every way."""
        self.restore(run)
        log = os.path.join(self.folder, "strace.log")
        self.p.run(*RUNS[run], wrap=["strace", "-f", "-y", "-qq", "-s", "0", "-o", log, "-e", "trace=" + ",".join(CALLS)]).ok()
        counts = collections.Counter()
        with open(log, encoding="utf-8", errors="replace") as f:
            for line in f:
                m = re.match(r"\d+\s+(\w+)\((.*)", line)
                if not m or (m[1] == "openat" and "O_CREAT" not in line):
                    continue
                paths = self.paths_of(m[2].rpartition(") = ")[0] or m[2])  # without the result
                if paths:
                    counts[m[1], paths[-1]] += 1
        os.unlink(log)
        return [Harm(run, "call", call, path, k, way) for (call, path), n in sorted(counts.items()) for k in range(1, n + 1) for way in WAYS]

    def paths_of(self, arguments):
        """The paths below the state directory by which strace knows a call: of its descriptors, and absolute ones."""
        found = re.findall(r'(?:AT_FDCWD|\b\d+)<([^>]+)>|"(/[^"]*)"', arguments)
        return [path for path in (fd or name for fd, name in found) if path.startswith(self.p.state_dir + "/")]

    def _with(self, binary):
        self.p.binary = binary
        return self.p

    def harm(self, h):
        """Does it, checks, runs plainly, checks. What is wrong, as (kind, text), and whether it struck."""
        before = self.restore(h.run)
        if h.kind == "point":
            done = self._with(with_points()).run(*RUNS[h.run], env={"PERDURE_FAULT": f"{h.name}:{h.at}"})
        else:
            done = self.p.run(*RUNS[h.run], wrap=["strace", "-f", "-qq", "-o", "/dev/null", "-P", h.path, "-e", "trace=" + h.name, "-e",
                                                  f"inject={h.name}:{h.way}:when={h.at}"])
        self._with(plain_path())
        struck = done.rc != 0
        killed = h.way == "signal=KILL"
        try:
            assert done.rc in ((0, -signal.SIGKILL, 137) if killed else (0, 1, 4, 75)), f"status {done.rc}"
            live = invariants.at_any_moment(self.p, self.names)
            assert live == N or h.run == "issue", "a lineage has lost its live certificate"
            # After a failure a certificate waits; after a kill nothing tells a plain run to. A renewal needs the account.
            again = self.p.run("renew", *(["--force-renewal", self.names[0]] if h.run == "rollover" else [] if killed else self.names))
            assert again.rc == 0, f"the plain run afterwards: {again}"
            invariants.at_rest(self.p, self.names, self.ca, given_up=(0, N), before=before)
            if h.run == "issue":
                made = before.made(self.ca)[1]
                assert made == N, f"the CA issued {made} certificates for {N} wishes: a double issue"
            if h.run == "rollover":
                invariants.one_key(self.p, self.ca)
        except (AssertionError, HarnessError) as e:
            return [(kind_of(str(e)), f"{told(h)}: {e}\n--- the harmed run: {done}")], struck
        return [], struck


def way_of(h):
    return h.way.partition("=")[2] + (" at a point" if h.kind == "point" else "")


def kind_of(text):
    for pattern, kind in ((r"the CA issued \d+ certificates, |key is lost", "lost keys"), (r"double issue|there twice", "double issues"),
                          (r"left behind|is empty|\.pem", "partial files"), (r"do not match|is not the live", "mismatched pairs")):
        if re.search(pattern, text):
            return kind
    return "other findings"


def plan(sample=None, seed=1, runs=tuple(RUNS)):
    """What to do: everything, or a sample of it that is the same for the same seed."""
    with Stage() as stage:
        bench = Bench(stage)
        folder = bench.folder
        harms = [h for run in runs for h in bench.points(run) + bench.calls(run)]  # the rollover last: it cannot be taken back
    harms = [h._replace(path=os.path.relpath(h.path, folder)) if h.path else h for h in harms]
    if sample and sample < len(harms):
        harms = random.Random(seed).sample(harms, sample)
    return harms


def share(harms, queue):
    """Does its share in a process of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Stage() as stage:
        benches = {}
        for h in harms:
            lasting = h.run == "rollover"  # its state is never taken back, nor is its CA's
            if lasting not in benches:
                benches[lasting] = Bench(stage)
            bench = benches[lasting]
            here = h._replace(path=os.path.join(bench.folder, h.path)) if h.path else h
            try:
                queue.put((h, *bench.harm(here)))
            except Exception as e:  # pylint: disable=broad-except
                queue.put((h, [("other findings", f"{told(h)}: {e!r}")], False))


def sweep(sample=None, seed=1, jobs=2, say=print, runs=tuple(RUNS)):
    """Runs it all; (line of summary, findings, runs, runs that ended badly by it, runs that could: EINTR ends none)."""
    with_points()
    harms = plan(sample, seed, runs)
    queue = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=share, args=(harms[i::jobs], queue), daemon=True) for i in range(jobs)]
    start = time.monotonic()
    for p in processes:
        p.start()
    found, struck = collections.Counter(), collections.Counter()
    findings = []
    for i in range(1, len(harms) + 1):
        h, wrong, hit = queue.get(timeout=300)
        struck[way_of(h)] += hit
        for kind, text in wrong:
            found[kind] += 1
            findings.append(text)
            say(f"FOUND {kind}: {text}")
        if i % 100 == 0:
            say(f"{i} of {len(harms)} runs, {struck.total()} ended by it, {len(findings)} findings, {time.monotonic() - start:.0f} s")
    for p in processes:
        p.join()
    # An error may be one that is overcome, so that the run ends well; a kill that did not happen is a call that did not come this time.
    say("ended by it: " + ", ".join(f"{struck[way]} of {n} {way}" for way, n in sorted(collections.Counter(map(way_of, harms)).items())))
    return f"{len(harms)} runs, " + ", ".join(f"{found[kind]} {kind}" for kind in KINDS), findings, len(harms), struck.total(), sum(way_of(h) != "EINTR" for h in harms)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PERDURE_SEED", 1)))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("runs", nargs="*", metavar="RUN", help="of " + ", ".join(RUNS) + " (all)")
    o = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    line, findings, *_ = sweep(o.sample, o.seed, o.jobs, lambda text: print(text, flush=True), o.runs or tuple(RUNS))
    print(line)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
