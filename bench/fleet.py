"""
perdure against perdure-testca, which takes any number of orders at once and passes every validation unasked: first issues of
one name each, against the load script with the same requests and the same number in flight on the same CA.
"""
import json
import os

from harness import Perdure, TestCA
from measure import alternate, median, run, spread

MIB = 1024.0


class Box:
    """A CA, and what is measured at it. perdure asks no DNS (dns.mode none), as the CA asks none."""

    def __init__(self, stage, helper):
        self.stage, self.helper = stage, helper
        self.ca = TestCA(stage)
        # The request log is for tests; a bench reads the counters.
        self.ca.stop()
        at = self.ca.argv.index("--log")
        del self.ca.argv[at:at + 2]
        self.ca.start()
        p = self.configured(1, 1)
        self.key = os.path.join(p.state_dir, "accounts/testca/key.pem")
        self.account = json.loads(p.run("account", "show", "--ca", "testca", "--public", "--json").ok().out)["url"]

    def names(self, count):
        return [f"c{i:05d}.fleet.test" for i in range(count)]

    def configured(self, count, in_flight):
        """perdure with an account, a list of names and nothing else."""
        p = Perdure(self.stage, {})
        with open(os.path.join(p.folder, "names.txt"), "w", encoding="ascii") as f:
            f.writelines(n + "\n" for n in self.names(count))
        p.configure({"cas": [self.ca.config_entry(max_orders=in_flight)], "dns": {"mode": "none"}, "defaults": {"ca": ["testca"]},
                     "certificates": [{"names_file": os.path.join(p.folder, "names.txt")}]})
        p.run("account", "register", "--ca", "testca", "--agree-tos").ok()
        return p

    def ca_cpu(self):
        with open(f"/proc/{self.ca.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def issue(self, count, in_flight, watch=0.0):
        """First issues by perdure."""
        p = self.configured(count, in_flight)
        before = self.ca.command("counters")["requests"]
        done = run(p.command("renew", "--json"), env=p.environment(), cwd=p.folder, watch=watch, quiet=True)
        done.requests = self.ca.command("counters")["requests"] - before
        *orders, last = map(json.loads, done.out.decode().splitlines())
        done.orders = [o for o in orders if "certificate" in o]
        if last["summary"]["issued"] != count or len(done.orders) != count:
            raise RuntimeError(done.out.decode()[-2000:])
        return done

    def load(self, count, in_flight):
        before = self.ca_cpu()
        done = run([self.helper, self.ca.dir_url, self.ca.ca_bundle, self.key, self.account, str(in_flight)],
                   stdin="".join(n + "\n" for n in self.names(count)).encode())
        done.said = json.loads(done.out)
        done.wall, done.cpu = done.said["seconds"], done.said["cpu"]
        done.ca_cpu = self.ca_cpu() - before
        return done

    def pairs(self, count, in_flight, times):
        got = alternate(times, load=lambda: self.load(count, in_flight), perdure=lambda: self.issue(count, in_flight))
        return got["perdure"], got["load"]


def row(report, count, in_flight, mine, load):
    """A line of the table; the ratios of the pairs."""
    ratios = [b.wall / a.wall for a, b in zip(mine, load)]
    report.row(f"{count:,}", in_flight, spread([r.wall for r in mine]), spread([r.wall for r in load]),
               f"{100 * median(ratios):.0f} % ({100 * min(ratios):.0f} to {100 * max(ratios):.0f})",
               spread([1000 * r.cpu / count for r in mine]), spread([1000 * r.cpu / count for r in load]), f"{os.getloadavg()[0]:.1f}")
    report.keep(f"fleet, {count} with {in_flight} in flight", {
        "perdure_wall": [r.wall for r in mine], "load_wall": [r.wall for r in load], "perdure_cpu": [r.cpu for r in mine],
        "load_cpu": [r.cpu for r in load], "ca_cpu": [r.ca_cpu for r in load], "ratios": ratios})
    return ratios


def table(report):
    report.table("certificates", "in flight", "perdure wall s", "load script wall s", "speed of the load script", "perdure CPU, ms each",
                 "load script CPU, ms each", "load average")


def measure(report, stage, helper, times):
    """What `make bench` has time for. Nothing asks or writes DNS here: the CA has --always-valid, perdure dns mode none."""
    box = Box(stage, helper)
    report.head("First issues for one name each, many orders at once, perdure-testca")
    table(report)
    series = []
    for count, in_flight, n in ((150, 1, 1), (500, 8, 2), (1000, 64, times)):
        mine, load = box.pairs(count, in_flight, n)
        ratios = row(report, count, in_flight, mine, load)
        series.append((f"{count:,} issues, {in_flight} in flight", 100 * median(ratios)))
    watched = box.issue(1000, 1000, watch=0.01)
    requests = [o["acme_requests"] - o["repeats"] for r in mine for o in r.orders]
    rate = [1000 / r.ca_cpu for r in load]
    report.say()
    report.table("target", "measured", "to reach", "")
    report.target("fleet: speed of the load script, 1,000 issues, 64 in flight", median(ratios), f"{100 * median(ratios):.0f} % "
                  f"({100 * min(ratios):.0f} to {100 * max(ratios):.0f})", "≥ 80 %", median(ratios) >= 0.8)
    report.target("fleet: ACME requests per order", max(requests), f"{max(requests)} at most; "
                  f"{mine[0].requests:,} at the CA for 1,000, {load[0].said['requests']:,} by the load script", "≤ 7", max(requests) <= 7)
    report.target("fleet: resident at most with 1,000 in flight, MiB", watched.peak_rss / MIB,
                  f"{watched.peak_rss / MIB:.1f}, of it anonymous {watched.peak_anon / MIB:.1f}", "≤ 64",
                  0 < watched.peak_rss <= 64 * MIB)
    report.target("`perdure-testca`, orders per second of one core", median(rate), spread(rate, 0), "≥ 500", median(rate) >= 500)
    return series


def measure_long(report, stage, helper):
    """10,000, and 1,000 before and after them: whether the cost grows with the number."""
    box = Box(stage, helper)
    report.head("10,000 first issues")
    table(report)
    small = box.pairs(1000, 64, 1)
    large = box.pairs(10000, 64, 1)
    again = box.pairs(1000, 64, 1)
    few = [small[0][0], again[0][0]]
    row(report, 1000, 64, few, [small[1][0], again[1][0]])
    ratios = row(report, 10000, 64, *large)
    growth = large[0][0].cpu / 10 / median([r.cpu for r in few])
    report.say()
    report.table("target", "measured", "to reach", "")
    report.target("fleet: speed of the load script, 10,000 issues", ratios[0], f"{100 * ratios[0]:.0f} %", "≥ 80 %", ratios[0] >= 0.8)
    report.target("fleet: CPU of one in 10,000 against one in 1,000", growth, f"{growth:.2f} ×", "≤ 1.15 ×", growth <= 1.15)


def svg(bars, limit, title):
    """Bars of per cents with a line at the limit."""
    left, width, step = 300, 400, 30
    top, height = 44, 44 + step * len(bars) + 30

    def x(v):
        return left + width * min(v, 120) / 120

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="24" font-size="15">{title}</text>']
    for i, (name, value) in enumerate(bars):
        y = top + i * step
        out.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>'
                   f'<rect x="{left}" y="{y}" width="{x(value) - left:.1f}" height="20" fill="{"#2a7" if value >= limit else "#c73"}"/>'
                   f'<text x="{x(value) + 6:.1f}" y="{y + 15}">{value:.0f} %</text>')
    out.append(f'<line x1="{x(limit):.1f}" x2="{x(limit):.1f}" y1="{top - 6}" y2="{height - 24}" stroke="#333" stroke-dasharray="4 3"/>'
               f'<text x="{x(limit):.1f}" y="{height - 8}" text-anchor="middle">to reach: {limit} %</text></svg>')
    return "\n".join(out) + "\n"
