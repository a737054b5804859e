"""
What a renewal costs in DNS by each way of validation: 47 wildcard certificates, one perdure-testca, one Knot. The provider is modelled (the double of
Cloudflare's interface): a call takes 0.3 s, four a second are let through, and what is written is served after 20 s.
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/integration"))
from harness import Knot, Perdure, TestCA, publish_records, set_up_account, zones_named  # noqa: E402
from provider_doubles import Cloudflare  # noqa: E402

CALL, RATE, LAG = 0.3, (4, 1.0), 20
ZONE = "acme.bench.test"
WAYS = (
    ("dns-persist-01", {"validation": "dns-persist-01"}, None),
    ("delegation, one shared name, values kept", {"validation": "delegation"}, {"zone": ZONE, "shared": True, "keep": True}),
    ("delegation, one shared name", {"validation": "delegation"}, {"zone": ZONE, "shared": True}),
    ("delegation, a name for each domain", {"validation": "delegation"}, {"zone": ZONE}),
    ("dns-01 at the domain", {"validation": "dns-01"}, None),
)


class Modelled(Cloudflare):
    """Each call takes its time, whatever else goes on."""

    def answer(self, *request):
        time.sleep(CALL)
        return super().answer(*request)


class Site:
    def __init__(self, stage, count):
        self.names = zones_named(count)
        self.knot = Knot(stage, [*self.names, ZONE])
        self.ca = TestCA(stage, self.knot.address)
        self.provider = Modelled(stage, self.knot, [*self.names, ZONE], page=100, rate=RATE, lag=LAG)
        self.entry = {**self.provider.entry(stage.folder("provider")), "name": "edge"}
        self.p = Perdure(stage, self.config({"validation": "dns-persist-01"}, None))
        set_up_account(self.p)
        publish_records(self.p, self.knot)
        self.p.run("renew", timeout=600).ok()

    def config(self, validation, delegation):
        entry = self.ca.config_entry(max_orders=100)
        return {
            "cas": [entry],
            "dns": {"stubs": [self.knot.stub()]},
            "providers": [self.entry],
            "defaults": {"ca": [entry["name"]], **validation},
            **({"delegation": {**delegation, "values": 60}} if delegation else {}),
            "certificates": [{"names": ["*." + n]} for n in self.names],
        }

    def delegate(self):
        """The standing CNAMEs, set by hand before anything is measured."""
        zones = [w for n in self.names for w in ("--zone", n)]
        lines = self.p.run("record", "export", "--what", "delegations", "--format", "zone", "--offline", *zones, "--zone", ZONE).ok().out.splitlines()
        wanted = [line for line in lines if " CNAME " in line and not line.startswith(";")]
        self.knot.nsupdate([*(f"del _acme-challenge.{n} CNAME" for n in self.names), *wanted])

    def renew(self, validation, delegation):
        """(seconds, calls, writes) of a renewal of all."""
        self.p.configure(self.config(validation, delegation))
        if delegation:
            self.delegate()
        before = len(self.provider.counted())
        start = time.perf_counter()
        self.p.run("renew", "--force-renewal", timeout=1800).ok()
        wall = time.perf_counter() - start
        calls = self.provider.counted()[before:]
        return wall, len(calls), sum(method != "GET" for method, _ in calls)


def svg(bars, title):
    """Bars of seconds."""
    left, width, step = 300, 400, 30
    most = max(value for _, value in bars)
    height = 44 + step * len(bars) + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="100%" height="100%" fill="#fff"/><text x="12" y="24" font-size="15">{title}</text>']
    for i, (name, value) in enumerate(bars):
        y, w = 44 + i * step, max(1, width * value / most)
        out.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{name}</text>'
                   f'<rect x="{left}" y="{y}" width="{w:.1f}" height="20" fill="#27a"/><text x="{left + w + 6:.1f}" y="{y + 15}">{value:.1f} s</text>')
    return "\n".join([*out, "</svg>"]) + "\n"


def measure(report, stage, count):
    """Rows of the table; the bars of the picture."""
    site = Site(stage, count)
    report.head(f"DNS at a renewal of {count} wildcard certificates, by way of validation")
    report.say(f"Modelled: a DNS provider whose calls take {CALL} s, that lets {RATE[0]} a second through (one too many is refused and counts), and whose servers have a change after {LAG} s. "
               "Real: perdure, perdure-testca, Knot. One run each.")
    report.say()
    report.table("way", "DNS calls", "of them writes", "calls a certificate", "wall")
    bars = []
    for name, validation, delegation in WAYS:
        wall, calls, writes = site.renew(validation, delegation)
        report.row(name, calls, writes, f"{calls / count:.2f}", f"{wall:.1f} s")
        report.keep(f"methods: {name}", {"calls": calls, "writes": writes, "wall": wall})
        bars.append((name, wall))
        time.sleep(LAG + 1)  # what was taken out is gone everywhere
    return bars
