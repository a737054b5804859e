"""
Other ACME clients on the same renewals, on one Pebble that finds every validation good without asking (its
PEBBLE_VA_ALWAYS_VALID): no DNS write and no wait for DNS counts against a client whose hook would have to write. That is their best
case; perdure still asks for its standing records. What is not installed is skipped, and said.
"""
import os
import shutil

from harness import Pebble
from measure import alternate, median, run, spread

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
NOT_TRIED = "lego, certbot, dehydrated, acme.sh"


class AlwaysValid(Pebble):
    """A Pebble that asks no DNS."""

    def start(self):
        self.env["PEBBLE_VA_ALWAYS_VALID"] = "1"
        super().start()


class Uacme:
    """uacme, one process per certificate as it is made. Its TLS library reads only the system's bundle, so that is put over by a
    mount of its own, which takes root; nothing outside its processes sees it."""

    def __init__(self, stage, fleet):
        self.folder = stage.folder("uacme")
        bundle = os.path.join(self.folder, "bundle.pem")
        with open(bundle, "wb") as out:
            for path in (SYSTEM_BUNDLE, fleet.ca.ca_bundle):
                with open(path, "rb") as f:
                    out.write(f.read())
        self.hook = self._script("hook", '[ "$1" != begin ] || [ "$2" = dns-01 ]\n')
        conf = os.path.join(self.folder, "conf")
        base = f"uacme -a {fleet.ca.dir_url} -c {conf} -y -t EC -h {self.hook}"
        mount = f"mount --bind {bundle} {SYSTEM_BUNDLE}\n"
        issue = "".join(f"{base} -f issue '*.{zone}'\n" for zone in fleet.zones)
        self.account = self._script("account", f"set -e\n{mount}{base} new\n")
        self.all = self._script("all", f"set -e\n{mount}{issue}")
        run(["unshare", "-m", self.account], errors=True)
        self.renew()

    def _script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def renew(self):
        return run(["unshare", "-m", self.all], errors=True)


def measure(report, fleet, uacme, times):
    requests = {}
    before = fleet.ca.request_count()
    fleet.renew()
    requests["perdure"] = fleet.ca.request_count() - before
    before = fleet.ca.request_count()
    uacme.renew()
    requests["uacme"] = fleet.ca.request_count() - before
    got = alternate(times, perdure=fleet.renew, uacme=uacme.renew)
    mine = median([r.wall for r in got["perdure"]])
    for name, runs in got.items():
        walls = [r.wall for r in runs]
        report.row(name, spread(walls), spread([r.cpu for r in runs], 3), requests[name], f"{median(walls) / mine:.1f}")
        report.keep(name, {"wall": walls, "cpu": [r.cpu for r in runs], "requests": requests[name]})
    ratio = median([r.wall for r in got["uacme"]]) / mine
    report.say()
    report.table("target", "measured", "to reach", "")
    report.target("faster than uacme", ratio, f"{ratio:.1f} ×", "≥ 20 ×", ratio >= 20)


def compare(report, stage, fleet, times):
    """A table of perdure and the peers that are here; 47 renewals each, in turn."""
    report.head(f"Renewing {len(fleet.zones)} wildcard certificates, other clients on the same Pebble")
    report.table("client", "wall s, median (lowest to highest)", "CPU s", "ACME requests", "wall, times perdure's")
    if not shutil.which("uacme") or os.geteuid() != 0 or not shutil.which("unshare"):
        report.row("uacme", "not measured: needs uacme, unshare and root", "", "", "**skipped**")
    else:
        try:
            uacme = Uacme(stage, fleet)
        except RuntimeError as e:
            said = str(e).partition("uacme: ")[2].splitlines() or ["no reason given"]
            report.row("uacme", f"not measured: it fails at this Pebble: {said[0]}", "", "", "**skipped**")
            uacme = None
        if uacme:
            measure(report, fleet, uacme, times)
    report.say()
    report.say(f"Not measured: {NOT_TRIED}. They wait for fixed times of seconds between steps, so that the ratio would say little.")
