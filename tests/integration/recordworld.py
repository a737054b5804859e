"""A CA's directory, a Knot and a perdure that publishes there: what the tests of publishing records begin with."""
import os
import subprocess

import harness
from small_servers import Directory


class World:
    """A CA's directory, Knot with some zones, and perdure with Knot as its provider."""

    def __init__(self, stage, make_knot, n=3, records=None, wildcard=True):
        self.stage = stage
        self.zones = [f"w{i:02d}.bench.test" for i in range(n)]
        self.knot = make_knot(self.zones, records=records or {})
        self.ca = Directory(stage)
        self.config = {"cas": [self.ca.config_entry()], "dns": {"stubs": [self.knot.stub()]},
                       "providers": [{"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{self.knot.port}", "tsig": {"file": self.knot.tsig_file}}],
                       "certificates": [{"names": [z] + (["*." + z] if wildcard else [])} for z in self.zones]}
        self.p = harness.Perdure(stage, self.config)

    def want(self, more=";policy=wildcard"):
        return f"ca.test;accounturi={self.ca.base}/acct/1{more}"

    def owner(self, i=0):
        return "_validation-persist." + self.zones[i]

    def stands(self, i=0, owner=None):
        out = subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.knot.port), "+short", "+tcp", owner or self.owner(i), "TXT"], capture_output=True,
                             text=True, timeout=20, check=True)
        return sorted(line for line in out.stdout.splitlines() if line)

    def apply(self, *args, rc=0):
        done = self.p.run("record", "apply", "--yes", "--timeout", "20", *args)
        assert done.rc == rc, done
        return done

    def plan(self, *args, rc=0):
        done = self.p.run("record", "plan", "--json", *args)
        assert done.rc == rc, done
        return {r["owner"]: r for r in done.lines()}

    def runs(self):
        folder = os.path.join(self.p.state_dir, "records")
        return sorted(f[:-6] for f in os.listdir(folder) if f.endswith(".jsonl")) if os.path.isdir(folder) else []


def has(world, i, value):
    return any(v.replace("\\;", ";") == f'"{value}"' for v in world.stands(i))


def actions(rrset):
    return sorted(i["action"] for i in rrset["items"])
