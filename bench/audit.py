"""
`perdure audit --names` over many names whose zones one Knot on loopback serves, beside dnsperf at the same server with the same questions: how
many names a second, on one core, in how much memory.
"""
import os
import re
import shutil

from harness import Knot, Perdure, write, zones_named
from measure import alternate, median, run, spread

NAMES = 100000
ZONES = 1000
MIB = 1024.0
ACCOUNT = "https://ca.bench.test/acct/1"


def pinned(core, argv):
    """The command on one core, where there are two: the server has the other."""
    cores = sorted(os.sched_getaffinity(0))
    return ["taskset", "-c", str(cores[core % len(cores)]), *argv]


class Fleet:
    """Knot with a standing record for each name; perdure; the same questions for dnsperf."""

    def __init__(self, stage):
        self.zones = zones_named(ZONES)
        per_zone = NAMES // ZONES
        self.names = [f"n{i}.{zone}" for zone in self.zones for i in range(per_zone)]
        records = [f'_validation-persist.n{i} TXT "ca.bench.test;accounturi={ACCOUNT}"' for i in range(per_zone)]
        self.knot = Knot(stage, self.zones, records={zone: records for zone in self.zones})
        os.sched_setaffinity(self.knot.process.pid, {sorted(os.sched_getaffinity(0))[-1]})
        self.p = Perdure(stage, {"dns": {"stubs": [self.knot.stub()]}})
        self.list = write(os.path.join(self.p.folder, "names"), "".join(f"{n}\n" for n in self.names))
        self.questions = write(os.path.join(self.p.folder, "questions"), "".join(f"_validation-persist.{n} TXT\n" for n in self.names))

    def audit(self, look="txt", **kw):
        argv = self.p.command("audit", "--names", self.list, "--look", look, "--allow-issuer", "ca.bench.test", "--account-uri", ACCOUNT, "--json")
        done = run(pinned(0, argv), env=self.p.environment(), cwd=self.p.folder, ok=(0, 5), keep=False, **kw)
        # One finding for each name, that its record has no end, and the sum; with everything looked at there are more.
        if done.lines <= NAMES or (look == "txt" and done.lines != NAMES + 1):
            raise RuntimeError(f"{done.lines} lines for {NAMES} names")
        return done

    def dnsperf(self):
        argv = ["dnsperf", "-s", "127.0.0.1", "-p", str(self.knot.port), "-d", self.questions, "-n", "1", "-T", "1", "-e"]
        done = run(pinned(0, argv), cwd=self.p.folder)
        lost = int(re.search(rb"Queries lost:\s+(\d+)", done.out).group(1))
        if lost:
            raise RuntimeError(f"dnsperf lost {lost} answers")
        done.rate = float(re.search(rb"Queries per second:\s+([\d.]+)", done.out).group(1))
        return done


def measure(report, stage, times):
    report.head(f"`audit --names` of {NAMES:,} names in {ZONES:,} zones, one Knot, one core for each program")
    fleet = Fleet(stage)
    watched = fleet.audit(watch=0.02)
    everything = fleet.audit("all", watch=0.02)
    if shutil.which("dnsperf"):
        got = alternate(times, audit=fleet.audit, dnsperf=fleet.dnsperf)
        rates, ceiling = [NAMES / r.wall for r in got["audit"]], [r.rate for r in got["dnsperf"]]
        cpu = [NAMES / r.cpu for r in got["audit"]]
        report.table("", "perdure audit --look txt", "dnsperf")
        report.row("names a second, median (lowest to highest)", spread(rates, 0), spread(ceiling, 0))
        report.row("names per second of CPU", spread(cpu, 0), spread([NAMES / r.cpu for r in got["dnsperf"]], 0))
    else:
        got = alternate(times, audit=fleet.audit)
        rates, cpu = [NAMES / r.wall for r in got["audit"]], [NAMES / r.cpu for r in got["audit"]]
        report.say("dnsperf is not here: the ceiling was not measured.")
    report.say()
    report.table("target", "measured", "to reach", "")
    report.target("audit: standing records, names a second on one core", median(rates), f"{spread(rates, 0)}; {median(cpu):,.0f} per second of CPU",
                  "≥ 20,000", median(rates) >= 20000)
    report.target("audit: resident at most, MiB", watched.peak_rss / MIB, f"{watched.peak_rss / MIB:.1f}", "≤ 64", 0 < watched.peak_rss <= 64 * MIB)
    report.say()
    report.say(f"With everything looked at (CAA, DNSSEC, delegation, name servers, wildcards) and all rules: {NAMES / everything.wall:,.0f} names a "
               f"second, {NAMES / everything.cpu:,.0f} per second of CPU, {everything.peak_rss / MIB:.1f} MiB resident.")
    report.keep("audit", {"rates": rates, "cpu_rates": cpu, "all_wall": everything.wall, "all_cpu": everything.cpu})
