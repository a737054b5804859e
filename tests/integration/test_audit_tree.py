"""
`perdure audit` over the DNS tree of dnstree.py: which rules are told of each name, all of them: what is not in a row must stay silent there.
"""
import os
import re

import pytest

import harness

EXPECTED = {
    "shapes.beta": "PD302 PD602 PD704",
    "shapes.alpha": "PD302 PD704",
    "other.shapes.beta": "PD201 PD602 PD704",
    "wrong.shapes.alpha": "PD203 PD704",
    "both.shapes.beta": "PD201 PD302 PD602 PD704",
    "split.shapes.beta": "PD101 PD103 PD602",
    "strings.shapes.beta": "PD106 PD108 PD302 PD602 PD704",
    "large.shapes.beta": "PD113 PD201 PD302 PD602 PD704",
    "long.shapes.beta": "PD302 PD602 PD704",
    "nottl.shapes.beta": "PD302 PD307 PD602 PD704",
    "hops1.shapes.beta": "PD302 PD501 PD602 PD704",
    "hops2.shapes.beta": "PD302 PD501 PD505 PD602 PD704",
    "hops9.shapes.beta": "PD302 PD501 PD505 PD602 PD704",
    "hops10.shapes.beta": "PD501 PD504 PD602",
    "loop.shapes.beta": "PD501 PD504",
    "dangling.shapes.beta": "PD501 PD503 PD602",
    "gone.shapes.beta": "PD501 PD502 PD503 PD602",
    "away.shapes.beta": "PD302 PD501 PD502 PD602 PD704",
    "awaybogus.shapes.beta": "PD302 PD501 PD502 PD601 PD704",
    "nobody.shapes.beta": "PD501 PD503 PD602",
    "dname.shapes.beta": "PD302 PD501 PD602 PD704",
    "wild.shapes.beta": "PD201 PD302 PD506 PD602 PD704",
    "x.wild.shapes.alpha": "PD201 PD302 PD506 PD704",
    "wildalias.shapes.beta": "PD302 PD501 PD502 PD506 PD512 PD602 PD704",
    "sub.shapes.beta": "PD302 PD602 PD704",
    "lost.shapes.beta": "PD604 PD606",
    "bare.shapes.beta": "PD602",
    "ent.shapes.beta": "PD602",
    "to-one.shapes.beta": "PD512 PD516 PD602",
    "to-two.shapes.beta": "PD512 PD513 PD516 PD602",
    "to-nothing.shapes.beta": "PD512 PD602",
    "to-nozone.shapes.beta": "PD511 PD512 PD602",
    "to-dead.shapes.beta": "PD511 PD512 PD602",
    "to-lame.shapes.beta": "PD511 PD512 PD602",
    "to-text.shapes.beta": "PD516 PD602",
    "to-stale.shapes.beta": "PD512 PD515 PD516 PD602",
    "caa-ok.shapes.beta": "PD302 PD602 PD705",
    "below.caa-other.shapes.beta": "PD302 PD602 PD701",
    "bogus.alpha": "PD302 PD601 PD704",
    "plain.bogus.alpha": "PD302 PD704",
    "expired.alpha": "PD302 PD601 PD704",
    "nosig.alpha": "PD302 PD601 PD704",
    "dsmismatch.alpha": "PD302 PD601 PD704",
    "island.alpha": "PD302 PD602 PD704",
    "unsigned.alpha": "PD302 PD602 PD704",
    "lame.beta": "PD604 PD606",
    "halflame.beta": "PD302 PD602 PD604 PD704",
    "dead.beta": "PD605 PD606",
    "halfdead.beta": "PD302 PD602 PD605 PD704",
    "differ.beta": "PD203 PD302 PD602 PD603 PD704",
    "split.beta": "PD302 PD602 PD603 PD704",
    "third.beta": "PD201 PD302 PD602 PD603 PD704",
    "drift.beta": "PD302 PD602 PD608 PD704",
    "nohost.beta": "PD606",
    "caa-othermethod.shapes.beta": "PD302 PD602 PD702",
    "caa-otheraccount.shapes.beta": "PD302 PD602 PD703",
    "caa-hash.shapes.beta": "PD302 PD602 PD703",
    "caa-other.shapes.beta": "PD302 PD602 PD701",
    "caa-none.shapes.beta": "PD302 PD602 PD701",
    "caa-account.shapes.beta": "PD302 PD602",
    "caa-wildother.shapes.beta": "PD302 PD602 PD701",
}


def test_every_name(dnstree, stage):
    names = harness.write(os.path.join(stage.folder("names"), "names"), "".join(n + "\n" for n in EXPECTED))
    p = dnstree.perdure(stage, dns={"trust_anchor": dnstree.anchor_file})
    done = p.run("audit", "--names", names, "--offline", "--json", timeout=240)
    assert done.rc == 5, done
    found = done.lines()[:-1]
    got = {name: " ".join(sorted({f["rule"] for f in found if f["name"] == name})) for name in EXPECTED}
    assert got == EXPECTED, {n: (got[n], EXPECTED[n]) for n in got if got[n] != EXPECTED[n]}

    def evidence(name, rule):
        return [f["evidence"] + str(f["server"]) for f in found if (f["name"], f["rule"]) == (name, rule)]

    # Words that people need, where they come from a server.
    assert any("refusing.hosting.beta" in e for e in evidence("halflame.beta", "PD604"))
    assert any("dead.hosting.beta" in e for e in evidence("halfdead.beta", "PD605"))
    assert any("nsd.hosting.beta" in e for e in evidence("differ.beta", "PD203"))
    assert evidence("drift.beta", "PD608")[0].startswith("only in the zone nsd.hosting.beta, only at the parent bind.hosting.beta")
    assert all(len(e) > 10 for e in evidence("bogus.alpha", "PD601"))
    assert "one.no-such-zone.alpha" in evidence("to-nozone.shapes.beta", "PD511")[0]


def test_standing_records_of_our_own(dnstree, stage):
    """With certificates: what is missing, and that nothing is told of what is right."""
    p = dnstree.perdure(stage, dns={"trust_anchor": dnstree.anchor_file}, certificates=[
        {"names": ["later.shapes.alpha", "*.later.shapes.alpha"]}, {"names": ["bare.shapes.alpha"]}])
    done = p.run("audit", "--offline", "--json")
    assert [(f["rule"], f["name"]) for f in done.lines()[:-1] if f["severity"] == "error"] == [("PD402", "bare.shapes.alpha")], done
    assert {f["rule"] for f in done.lines()[:-1] if f["name"] == "later.shapes.alpha"} == {"PD704"}


@pytest.mark.parametrize("server, software", [("knot", "Knot"), ("bind", "BIND"), ("nsd", "NSD")])
def test_zones_by_transfer(dnstree, stage, server, software):
    """Allowed with the key, refused without it, and open to all: at servers of three makes."""
    p = dnstree.perdure(stage)
    zone = "differ.beta" if server == "nsd" else "shapes.beta"
    where = ("--zone", zone, "--server", dnstree.addresses[server], "--offline", "--json")
    done = p.run("audit", *where, "--tsig-file", dnstree.tsig_file)
    lines = done.lines()
    assert done.rc == 5 and lines[-1]["summary"]["records"] > 0, (software, done)
    assert ("PD203", "differ.beta" if server == "nsd" else "wrong.shapes.beta") in {(f["rule"], f.get("name")) for f in lines[:-1]}
    refused = p.run("audit", *where)
    assert refused.rc == 1 and re.search("REFUSED|NOTAUTH", refused.err) and "--tsig-file" in refused.err, (software, refused)
    if server != "nsd":
        done = p.run("audit", "--zone", "openxfr.beta", "--server", dnstree.addresses[server], "--offline", "--json")
        assert done.rc in (0, 5) and done.lines()[-1]["summary"]["records"] == 2, (software, done)
