"""
Views in the DNS of dnstree.py: aliases, wildcards, every type, and servers that do not do their part, as real servers have them.
"""
import pytest

from dnsview import by_address, view
from dnstree import ADDRESSES
from dnstree_zones import NEGATIVE_TTL, TTL

LABEL = "_validation-persist."
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "DNAME": 39, "DS": 43, "CAA": 257}


@pytest.fixture
def see(dnstree):
    """see(names…, *options): views in the tree, of the validation names unless raw."""
    def go(*names, args=(), raw=False, one=True):
        with dnstree.inside():
            owners = [n if raw else LABEL + n for n in names]
            hints = [x for h in dnstree.hints for x in ("--hint", h)]
            got = view(*hints, "--timeout", 1000, *args, names=owners, limit=60)
        return got[0] if one and len(got) == 1 else got

    return go


@pytest.fixture(params=["shapes.alpha", "shapes.beta"])
def shapes(request):
    """The same zone signed and not signed."""
    return request.param


def health(v):
    return {a["server"].split(".")[0]: a["health"] for a in v["answers"]}


@pytest.mark.parametrize("hops", [1, 2, 9])
def test_hops(see, shapes, hops):
    v = see(f"hops{hops}.{shapes}")
    assert v["any"] == "found" and v["agree"] and v["end"] == "whole" and v["error"] == ""
    assert len(v["hops"]) == hops == len(v["chain"]) and v["hops"][0]["owner"] == v["owner"]
    assert all(h["kind"] == "CNAME" and h["zone"] == shapes and h["ttl"] == TTL for h in v["hops"])
    for before, after in zip(v["hops"], v["hops"][1:]):
        assert before["target"] == after["owner"]


@pytest.mark.parametrize("hops", [10, 12])
def test_too_many_hops(see, shapes, hops):
    v = see(f"hops{hops}.{shapes}")
    assert v["error"] == "dns" and v["end"] == "too long" and len(v["hops"]) == 10 and v["answers"] == []


def test_circles(see, shapes):
    for v in see(f"loop.{shapes}", f"self.{shapes}"):
        owners = [h["owner"] for h in v["hops"]]
        assert v["error"] == "dns" and v["end"] == "loop" and v["hops"][-1]["target"] in owners
        assert " to ".join(owners[owners.index(v["hops"][-1]["target"]):]) in v["message"]


def test_into_other_zones(see, shapes):
    away, gone, dead, nobody = see(f"away.{shapes}", f"gone.{shapes}", f"awaydead.{shapes}", f"nobody.{shapes}")
    assert away["zone"] == "targets.beta" and away["hops"][0]["zone"] == shapes and away["any"] == "found"
    assert gone["any"] == "nxdomain" and gone["answers"][0]["hop"] == 1 and gone["zone"] in ("alpha", "beta")
    assert gone["answers"][0]["ttl"] and gone["answers"][0]["minimum"] >= gone["answers"][0]["ttl"]
    assert dead["any"] == "" and health(dead) == {"dead": "silent"} and len(dead["hops"]) == 1
    assert nobody["any"] == "nodata"


def test_dname(see, shapes):
    """Below the DNAME: an alias that the servers make; at the DNAME itself: none."""
    v = see(f"_validation-persist.x.dname.{shapes}", raw=True)
    hop = v["hops"][0]
    assert (hop["kind"], hop["dname"], hop["target"]) == ("DNAME", f"dname.{shapes}", f"_validation-persist.x.dnamed.{shapes}")
    assert v["any"] == "found" and v["agree"] and hop["wildcard"] == ""
    at = see(f"dname.{shapes}", raw=True, args=("--type", TYPES["DNAME"]))
    assert at["any"] == "found" and at["hops"] == [] and at["answers"][0]["rr"] == [["DNAME", f"dnamed.{shapes}."]]


def test_alias_that_is_not_followed(see, shapes):
    v = see(f"hops2.{shapes}", args=("--nofollow",))
    assert v["any"] == "alias" and v["hops"] == [] and v["agree"]
    assert [r[0] for r in v["answers"][0]["rr"]] == ["CNAME"] and v["answers"][0]["txt"] == []
    v = see(f"_validation-persist.x.dname.{shapes}", raw=True, args=("--nofollow",))
    assert [r[0] for r in v["answers"][0]["rr"]] == ["CNAME", "DNAME"]
    v = see(f"hops2.{shapes}", args=("--type", TYPES["CNAME"]))
    assert v["any"] == "found" and v["hops"] == [] and [r[0] for r in v["answers"][0]["rr"]] == ["CNAME"]


def test_wildcards(see, shapes):
    """In the signed zone the signatures tell, in the other one a few more questions; no wildcard is made out where none is."""
    names = (f"wild.{shapes}", f"x.wild.{shapes}", f"a.b.c.x.wild.{shapes}", shapes, f"wildalias.{shapes}", f"away.{shapes}")
    wild, x, deep, plain, alias, away = see(*names, args=("--wildcard",))
    for v in (wild, x, deep):
        assert v["any"] == "found" and (v["wildcard"], v["wildcard_known"]) == (f"*.wild.{shapes}", True), v
    assert (plain["wildcard"], plain["wildcard_known"]) == ("", True)
    assert alias["hops"][0]["wildcard"] == f"*.wildalias.{shapes}" and alias["wildcard"] == "" and alias["wildcard_known"]
    assert away["hops"][0]["wildcard"] == ""
    assert not see(f"wild.{shapes}")["wildcard_known"]


def test_other_types(see, shapes):
    tld = shapes.split(".")[1]
    ns = see(shapes, raw=True, args=("--type", TYPES["NS"]))
    assert ns["zone"] == shapes and ns["answers"][0]["rr"] == [["NS", "bind.hosting.beta."], ["NS", "knot.hosting.beta."]]
    soa = see(shapes, raw=True, args=("--type", TYPES["SOA"]))
    assert soa["answers"][0]["rr"][0][1].endswith(f" 3600 600 86400 {NEGATIVE_TTL}")
    ds = see(shapes, raw=True, args=("--type", TYPES["DS"]))
    assert ds["zone"] == tld and list(by_address(ds)) == [ADDRESSES[tld]]
    assert ds["any"] == ("found" if tld == "alpha" else "nodata")
    caa = see(f"caa-ok.{shapes}", raw=True, args=("--type", TYPES["CAA"]))
    assert caa["any"] == "found" and caa["agree"] and all(r[0] == "CAA" and " issue " in r[1] for r in caa["answers"][0]["rr"])
    address = see(f"bare.{shapes}", raw=True, args=("--type", TYPES["A"]))
    assert address["answers"][0]["rr"] and address["answers"][0]["txt"] == []


def test_absence_and_its_time(see, shapes):
    none, slow, long = see(f"none.{shapes}", f"slow.{shapes}", f"long.{shapes}")
    assert none["any"] == "nxdomain" and none["answers"][0]["minimum"] == NEGATIVE_TTL
    assert none["stale"] == none["answers"][0]["ttl"] == min(NEGATIVE_TTL, none["answers"][0]["soa_ttl"])
    assert (slow["hops"][0]["ttl"], slow["answers"][0]["ttl"], slow["stale"]) == (172800, 86400, 172800)
    assert long["stale"] == 86400


@pytest.mark.parametrize("zone, want", [
    ("halflame.beta", {"knot": "ok", "bind": "ok", "refusing": "refusing"}), ("halfdead.beta", {"knot": "ok", "bind": "ok", "dead": "silent"}),
    ("halfclosed.beta", {"knot": "ok", "bind": "ok", "closed": "unreachable"}), ("halffar.beta", {"knot": "ok", "bind": "ok", "far": "unreachable"}),
    ("upward.beta", {"upward": "lame"}), ("nonaa.beta", {"nonaa": "lame"}), ("beside.beta", {"beside": "malformed"}),
    ("servfail.beta", {"knot": "error"}),
])
def test_servers_that_do_not_do_their_part(see, zone, want):
    v = see(zone)
    assert health(v) == want and v["agree"]
    assert v["answered"] == sum(h == "ok" for h in want.values())
    for a in v["answers"]:
        assert (a["health"] == "ok") == (a["text"] == "") and (a["group"] == -1) == (a["health"] != "ok")


def test_disagreeing_servers(see):
    differ, split, third = see("differ.beta", "split.beta", "third.beta")
    assert [(g["addresses"], g["servers"]) for g in differ["groups"]] == [(2, 2), (1, 1)] and differ["answered"] == 3
    assert {a["server"].split(".")[0]: a["group"] for a in differ["answers"]} == {"knot": 0, "bind": 0, "nsd": 1}
    assert [a["result"] for a in sorted(split["answers"], key=lambda a: a["server"])] == ["found", "nxdomain"]
    assert len(third["groups"]) == 2 and not third["agree"] and not split["agree"]


def test_serials(see, dnstree):
    v = see("differ.beta", args=("--serials",))
    assert [a.get("serial") for a in v["answers"]] == [1, 1, 1]
    assert "serial" not in see("differ.beta")["answers"][0]


def test_blocked_port_53(dnstree):
    """Nothing answers at any address: it costs seconds, however many names there are, and the error says what to do."""
    silent = [dnstree.port53(f"203.0.113.{i}") for i in range(70, 82)]
    hints = [x for s in silent for x in ("--hint", s.address.split("@")[0])]
    names = [f"_v.n{i}.blocked{i}.beta" for i in range(3000)]
    with dnstree.inside():
        got = view(*hints, "--timeout", 300, names=names, limit=60)
    for s in silent:
        s.close()
    assert all(v["error"] in ("dns", "timeout") and not v["answers"] for v in got)
    assert sum("port 53 seems to be blocked" in v["message"] for v in got) > 2000
    assert sum(s.asked for s in silent) < 400
