"""
dns-01 behind standing CNAMEs: values are written together, waited for, taken out again; those of others stay.
"""
import collections
import os
import signal
import sqlite3
import threading

import pytest

import dns_servers
import harness
from resolver import Unbound

ZONE = "acme.bench.test"
SHARED = "_acme." + ZONE


def label(name):
    """The validation name of a domain of its own."""
    return "_" + name.replace("-", "--").replace(".", "-") + "." + ZONE


class Fleet:
    """Domains with their CNAMEs at Knot, a CA without dns-persist-01 in use, perdure with Knot as its provider."""

    def __init__(self, stage, n=2, shared=True, extra=(), validation="delegation", cnames=True, process=0, **delegation):
        self.stage = stage
        self.names = [f"w{i:02d}.bench.test" for i in range(n)]
        target = (lambda name: SHARED) if shared else label
        records = {z: [f"_acme-challenge 300 CNAME {target(z)}."] for z in self.names} if cnames else {}
        self.knot = harness.Knot(stage, [*self.names, ZONE], records={**records, ZONE: list(extra)})
        self.resolver = Unbound(stage, {z: self.knot.port for z in ["bench.test", *self.names, ZONE]})
        self.ca = harness.Pebble(stage, self.resolver.address)
        self.delegation = {"zone": ZONE, **({"shared": True} if shared else {}), **delegation}
        self.validation = validation
        self.target = target
        self.p = self.perdure(self.names)

    def config(self, names, **more):
        return harness.p_config(
            self.ca, self.knot, names, delegation=self.delegation,
            providers=[{"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{self.knot.port}", "zones": [ZONE], "tsig": {"file": self.knot.tsig_file}}],
            defaults={"ca": ["pebble"], "validation": self.validation}, **more)

    def perdure(self, names, **more):
        p = harness.Perdure(self.stage, self.config(names, **more))
        harness.set_up_account(p)
        return p

    def values(self, owner=SHARED):
        return dns_servers.values(self.knot.port, owner)

    def writes(self):
        """Changes of the zone: each moves its serial."""
        return int(self.knot.serials()[ZONE]) - 1


def rows(p):
    with sqlite3.connect(f"file:{p.state_dir}/perdure.db?mode=ro", uri=True) as db:
        return db.execute("SELECT owner, text, cert FROM value").fetchall()


def test_base_name_and_wildcard_of_several_certificates_cost_two_writes(stage):
    f = Fleet(stage, 3, extra=["_acme 300 TXT \"somebody else's; value\""])
    done = f.p.run("renew", "--json").ok()
    lines = [line for line in done.lines() if line.get("result")]
    assert {line["result"] for line in lines} == {"issued"} and len(lines) == 3
    assert {line["validation"] for line in lines} == {"delegation"}
    for name in f.names:
        harness.verify_chain(f.p, name, f.ca.roots(), [name, "*." + name])
    assert f.writes() == 2
    assert f.values() == ['"somebody else\'s; value"']
    assert not rows(f.p)
