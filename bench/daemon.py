"""The daemon: what it costs while nothing is due, and many renewals at once, by it and by a plain run."""
import json
import os
import time

from fleet import MIB, Box
from harness import wait_until
from measure import alternate, median, run, spread

REST_S = 20
COUNT = 1000


class Daemon:
    """perdure run. status() is what its socket says."""

    def __init__(self, p):
        self.p = p
        self.process = p.start("run", log=os.path.join(p.folder, "daemon.log"))
        wait_until("a socket", 60, lambda: os.path.exists(os.path.join(p.state_dir, "control")))

    def status(self):
        return self.p.run("control", "status", "--json").ok().json()

    def rest(self, seconds=600):
        wait_until("a daemon at rest", seconds, lambda: not self.status()["running"])

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, what):
        """VmRSS or VmHWM in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(what + ":")) / MIB

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.p.run("control", "stop").ok()
        self.process.wait(60)


def idle(report, p, count):
    """After the first look at everything: twenty seconds of nothing."""
    daemon = Daemon(p)
    daemon.rest()
    time.sleep(2)
    before, start = daemon.cpu(), time.monotonic()
    time.sleep(REST_S)
    share = 100 * (daemon.cpu() - before) / (time.monotonic() - start)
    rss = daemon.memory("VmRSS")
    daemon.stop()
    report.head(f"`perdure run` with {count:,} certificates, none of them due")
    report.table("target", "measured", "to reach", "")
    report.target("idle daemon: resident, MiB", rss, f"{rss:.1f}", "≤ 32", 0 < rss <= 32)
    report.target("idle daemon: per cent of a core", share, f"{share:.2f} over {REST_S} s", "< 1", share < 1)


def due(report, stage, helper, times):
    """Renewals of what was issued before, all at once."""
    box = Box(stage, helper)
    p = box.configured(COUNT, 64)

    def renew(*options, result="renewed"):
        done = run(p.command("renew", "--json", *options), env=p.environment(), cwd=p.folder, quiet=True)
        if json.loads(done.out.decode().splitlines()[-1])["summary"][result] != COUNT:
            raise RuntimeError(done.out.decode()[-2000:])
        return done

    renew(result="issued")
    got = alternate(times, load=lambda: box.load(COUNT, 64), perdure=lambda: renew("--force-renewal"))
    mine, load = got["perdure"], got["load"]
    ratios = [b.wall / a.wall for a, b in zip(mine, load)]

    daemon = Daemon(p)
    daemon.rest()
    descriptors, walls = [], []
    for _ in range(times):
        start = time.monotonic()
        p.run("control", "renew", "--force-renewal", *box.names(COUNT)).ok()
        daemon.rest()
        walls.append(time.monotonic() - start)
        descriptors.append(daemon.descriptors())
    peak = daemon.memory("VmHWM")
    daemon.stop()

    report.head(f"{COUNT:,} renewals due at once, 64 in flight, perdure-testca")
    report.table("", "perdure renew", "load script", "perdure run")
    report.row("wall s, median (lowest to highest)", spread([r.wall for r in mine]), spread([r.wall for r in load]), spread(walls) + ", seen by asking it")
    report.say()
    report.table("target", "measured", "to reach", "")
    report.target("due: speed of the load script", median(ratios), f"{100 * median(ratios):.0f} % ({100 * min(ratios):.0f} to {100 * max(ratios):.0f})",
                  "≥ 80 %", median(ratios) >= 0.8)
    report.target("due: resident at most in the daemon, MiB", peak, f"{peak:.1f}", "≤ 64", 0 < peak <= 64)
    report.target("due: descriptors open in the daemon after each time", descriptors[-1], ", ".join(map(str, descriptors)), f"≤ {descriptors[0]}",
                  descriptors[-1] <= descriptors[0])
