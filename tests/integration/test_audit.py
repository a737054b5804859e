"""
`perdure audit` against real name servers and zone files: which findings come for what is published, what changes against a baseline,
and that the formats are what their readers expect.
"""
import copy
import json
import os
import re
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

import harness
from small_servers import Directory, ZoneServer, free_port_on

ZONE = "example.test"
PAGE = os.path.join(harness.ROOT, "docs/audit-rules.md")
URL = "https://ca.test/acct/1"


class World:
    """Servers of one zone, and perdure with them as a stub."""

    def __init__(self, stage, servers=1, **config):
        self.stage = stage
        self.ips = [f"127.0.0.{i + 1}" for i in range(servers)]
        self.port = free_port_on(self.ips)
        self.servers = [ZoneServer(stage, ip, self.port, ZONE, []) for ip in self.ips]
        stub = {"zone": ZONE, "servers": self.ips, "port": self.port}
        self.config = {"dns": {"stubs": [stub], "timeout": "1s"}, **config}
        self.p = harness.Perdure(stage, self.config)
        self.folder = stage.folder("audit")

    def serve(self, lines, which=None):
        for s in self.servers if which is None else [self.servers[which]]:
            s.change(lines)

    def file(self, name, text):
        return harness.write(os.path.join(self.folder, name), text)

    def audit(self, *args, rc=None, look="txt"):
        """The findings as dicts, and the sum."""
        done = self.p.run("audit", "--json", *(("--look", look) if look else ()), *args)
        assert rc is None or done.rc == rc, done
        lines = done.lines()
        assert "summary" in lines[-1], done
        return lines[:-1], lines[-1]["summary"]


def rules(findings, name=None):
    return sorted({f["rule"] for f in findings if name in (None, f["name"])})


ALLOW = ("--allow-issuer", "ca.test", "--account-uri", URL)


def test_names(stage):
    """A list of names, without any CA configured; the last one's server says nothing of it."""
    w = World(stage)
    w.serve([f'_validation-persist.good TXT "ca.test;accounturi={URL}"',
             '_validation-persist.evil TXT "ca.test;accounturi=https://ca.test/acct/666"',
             f'_validation-persist.typo TXT "CA.test;accounturi={URL}"',
             '_validation-persist.other TXT "evil.example;accounturi=x"',
             f'_validation-persist.bad TXT "ca.test;accounturi={URL};;"',
             f'_validation-persist.quoted TXT "\\"ca.test;accounturi={URL}\\""',
             "_validation-persist.gone CNAME nowhere", "_validation-persist.loop CNAME loop2",
             "loop2 CNAME _validation-persist.loop"])
    names = w.file("names", "\n".join(f"{n}.{ZONE}" for n in ("good", "*.good", "evil", "typo", "other", "bad", "quoted", "gone", "loop"))
                   + f"\n# a comment\n\n127.0.0.1\n*.{ZONE} {ZONE}\nGOOD.{ZONE}.\n")
    found, total = w.audit("--names", names, *ALLOW, rc=5)
    want = {"good": [], "evil": ["PD203"], "typo": ["PD202"], "other": ["PD201"], "bad": ["PD101"], "quoted": ["PD104"], "gone": ["PD503"],
            "loop": ["PD504"]}
    for name, expected in want.items():
        got = [f["rule"] for f in found if f["name"] == f"{name}.{ZONE}" and f["severity"] == "error"]
        assert sorted(set(got)) == expected, (name, found)
    assert rules(found, "127.0.0.1") == ["PD109"]
    assert total["names"] == 11 and total["records"] == 5 and total["unseen"] == 2, total
    assert total["errors"] == sum(f["severity"] == "error" for f in found)
    assert len({f["fingerprint"] for f in found}) == len(found) - 1  # good is listed twice


def test_inventory(stage):
    """What the certificates need, by the configuration alone: the CA's directory, its account, the names."""
    ca = Directory(stage)
    w = World(stage, cas=[ca.config_entry()], certificates=[{"names": [ZONE, "*." + ZONE]}, {"names": ["www." + ZONE]}])
    found, _ = w.audit(rc=5)
    assert [(f["rule"], f["name"], f["ca"]) for f in found if f["severity"] == "error"] == [
        ("PD402", ZONE, "ca"), ("PD402", "www." + ZONE, "ca")]
    # What the findings say to publish is what makes them go away.
    w.serve([f["fix"] for f in found if f["fix"]])
    found, _ = w.audit(rc=0)
    assert rules(found) == ["PD302"] and all(f["severity"] == "info" for f in found)
    # A list of names of which some are in no inventory.
    w.serve([f["record"] and f'_validation-persist TXT {f["record"]}' for f in found[:1]]
            + [f'_validation-persist.old TXT {found[0]["record"]}', f'_validation-persist.www TXT {found[0]["record"]}'])
    found, _ = w.audit("--names", w.file("names", f"old.{ZONE}\nwww.{ZONE}\n"), rc=0)
    assert rules(found, "old." + ZONE) == ["PD302", "PD401"] and rules(found, "www." + ZONE) == ["PD301", "PD302"]
    assert w.audit("--names", os.path.join(w.folder, "names"), "--fail-on", "warning", rc=5)


def test_the_directory_has_changed(stage):
    prefix = "https://localhost/hash/"
    ca = Directory(stage)
    w = World(stage, cas=[ca.config_entry(level="1", issuer="ca.test")], certificates=[{"names": [ZONE]}])
    w.serve([f'_validation-persist TXT "ca.test;accounturi={ca.base}/acct/1"'])
    base = os.path.join(w.folder, "base")
    w.audit("--baseline", base, "--update-baseline", rc=0)
    assert w.audit("--baseline", base, rc=0)[0] == []
    ca.meta = {"caaIdentities": ["new.test"], "accountHashPrefix": prefix, "issuerDomainNames": ["new.test", "other.test"]}
    found, _ = w.audit("--baseline", base, rc=5)
    assert rules(found, "ca") == ["PD801", "PD802", "PD803"] and rules(found, ZONE) == ["PD212"], found
    assert {f["evidence"].split()[0] for f in found if f["rule"] == "PD802"} == {"ca.test", "other.test"}


def test_level_02(stage):
    """Digests are recomputed over every key; the earlier one and the one for any domain are told apart."""
    prefix = "https://localhost/hash/"
    ca = Directory(stage, {"caaIdentities": ["ca.test"], "accountHashPrefix": prefix, "issuerDomainNames": ["ca.test"]})
    entry = ca.config_entry()
    old = "0" * 43
    w = World(stage, cas=[entry], certificates=[{"names": [ZONE]}])
    good = w.audit()[0][0]["fix"]
    entry["account"]["thumbprints"].insert(0, old)
    q = harness.Perdure(stage, w.config)
    w.serve([good, good.replace("_validation-persist.", "_validation-persist.copy."), f'_validation-persist.clear TXT "ca.test;accounturi={ca.base}/acct/1"'])
    names = w.file("names", f"{ZONE}\ncopy.{ZONE}\nclear.{ZONE}\n")
    found, _ = w.audit("--names", names)
    assert rules(found, ZONE) == ["PD302"] and rules(found, "copy." + ZONE) == ["PD203", "PD401"], found
    assert rules(found, "clear." + ZONE) == ["PD206", "PD302", "PD401"]
    done = q.run("audit", "--look", "txt", "--json")
    assert done.rc == 0 and rules(done.lines()[:-1]) == ["PD204", "PD302"], done
    # Nothing is configured: the same from the command line.
    r = harness.Perdure(stage, {"dns": w.config["dns"]})
    done = r.run("audit", "--look", "txt", "--json", "--names", names, "--allow-issuer", "ca.test", "--account-uri", ca.base + "/acct/1",
                 "--thumbprint", old, "--thumbprint", "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
    found = done.lines()[:-1]
    assert rules(found, ZONE) == ["PD204", "PD302"] and rules(found, "copy." + ZONE) == ["PD203"]


def test_servers_disagree(stage):
    """A record that only one server has is judged like any other, and the server named."""
    w = World(stage, servers=3)
    good = f'_validation-persist TXT "ca.test;accounturi={URL}"'
    w.serve([good])
    w.serve([good, '_validation-persist TXT "evil.example;accounturi=x"'], which=1)
    found, _ = w.audit("--names", w.file("names", ZONE + "\n"), *ALLOW, rc=5)
    assert rules(found) == ["PD201", "PD302", "PD603"], found
    (evil,) = [f for f in found if f["rule"] == "PD201"]
    assert evil["server"].startswith("127.0.0.2") and "evil.example" in evil["record"]
    w.servers[1].stop()
    found, _ = w.audit("--names", os.path.join(w.folder, "names"), *ALLOW, rc=0)
    assert rules(found) == ["PD302", "PD605"] and [f["server"] for f in found if f["rule"] == "PD605"][0].startswith("127.0.0.2")


def test_baseline(stage):
    w = World(stage, servers=2)
    base, names = os.path.join(w.folder, "base"), w.file("names", f"b.{ZONE}\na.{ZONE}\nc.{ZONE}\n")
    record = f"ca.test;accounturi={URL}"
    args = ("--names", names, *ALLOW, "--baseline", base)
    done = w.p.run("audit", *args)
    assert done.rc == 1 and "--update-baseline" in done.err, done
    w.serve([f'_validation-persist.a TXT "{record}"', f'_validation-persist.b TXT "{record};policy=wildcard"', '_validation-persist.c TXT "x"'])
    first, _ = w.audit(*args, "--update-baseline")
    assert rules(first) == ["PD102", "PD302"]
    text = harness.read(base)
    assert [json.loads(line).get("name") for line in text.splitlines()] == [None, f"a.{ZONE}", f"b.{ZONE}", f"c.{ZONE}"]
    found, total = w.audit(*args, "--update-baseline", rc=0)
    assert found == [] and total["known"] == len(first) and harness.read(base) == text
    # a: another one beside it, at one server; b: altered; c: gone
    same = f'_validation-persist.b TXT "{record};persistUntil=4000000000"'
    w.serve([f'_validation-persist.a TXT "{record}"', same])
    w.serve([f'_validation-persist.a TXT "{record}"', same, '_validation-persist.a TXT "evil.example;accounturi=x"'], which=1)
    found, total = w.audit(*args, rc=5)
    assert rules(found, f"a.{ZONE}") == ["PD201", "PD603", "PD901"] and rules(found, f"b.{ZONE}") == ["PD903"], found
    assert rules(found, f"c.{ZONE}") == ["PD902"] and total["gone"] == 2, total
    (added,) = [f for f in found if f["rule"] == "PD901"]
    assert added["server"].startswith("127.0.0.2") and "evil.example" in added["record"]
    assert ";policy=wildcard" in [f for f in found if f["rule"] == "PD903"][0]["evidence"]
    # Nobody can be asked: the line is kept.
    before = harness.read(base)
    for s in w.servers:
        s.stop()
    found, _ = w.audit(*args, "--update-baseline", rc=5)
    assert rules(found) == ["PD605", "PD606"] and harness.read(base) == before
    w.file("base", "something else\n")
    assert "no baseline" in w.p.run("audit", *args).err


ZONEFILE = f"""$ORIGIN {ZONE}.
$TTL 3600
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.1
@ A 192.0.2.1
@ CAA 0 issue "ca.test; accounturi={URL}"
_validation-persist TXT "ca.test;accounturi={URL};policy=wildcard"
_validation-persist.old TXT "ca.test;accounturi={URL}"
_validation-persist.*.star TXT "ca.test;accounturi={URL}"
*.wild TXT "ca.test;accounturi={URL}"
_validation-persist.dangling CNAME nothing
_validation-persist.out CNAME validation.elsewhere.test.
_validation-persist.long TXT "{'x' * 256}"
_acme-challenge CNAME {ZONE}.acme-dns.test.
_acme-challenge.two CNAME one
one CNAME two.validation
two.validation 600 TXT "token"
_acme-challenge.both CNAME one
_acme-challenge.both TXT "beside"
sub NS ns.elsewhere.test.
www CNAME cdn.elsewhere.test.
"""


def test_zone_file(stage):
    p = harness.Perdure(stage, {})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE)
    done = p.run("audit", "--zone", path, "--json", *ALLOW)
    assert done.rc == 5 and done.err == "", done
    found = done.lines()[:-1]
    want = {ZONE: ["PD302", "PD308", "PD309", "PD512"], "old." + ZONE: ["PD302", "PD404"], "star." + ZONE: ["PD110", "PD302", "PD404"],
            "wild." + ZONE: ["PD302", "PD404", "PD506"], "dangling." + ZONE: ["PD501", "PD503"], "out." + ZONE: ["PD501", "PD502"],
            "long." + ZONE: ["PD112"], "two." + ZONE: ["PD513", "PD515", "PD516"], "both." + ZONE: ["PD513", "PD514", "PD515", "PD516"]}
    for name, expected in want.items():
        assert rules(found, name) == expected, (name, [f for f in found if f["name"] == name])
    assert {f["name"] for f in found} == set(want)
    # Zones under our control, and things that are known, are not told.
    done = p.run("audit", "--zone", path, "--json", *ALLOW, "--own-zone", "acme-dns.test", "--own-zone", "sub." + ZONE,
                 "--ignore", "PD302", "--ignore", "PD309:" + ZONE)
    assert rules(done.lines()[:-1], ZONE) == []
    done = p.run("audit", "--zone", path, "--ignore", "PD999")
    assert done.rc == 2 and "--list-rules" in done.err
    relative = harness.write(os.path.join(p.folder, "relative"), ZONEFILE.partition("\n")[2])
    assert p.run("audit", "--zone", relative).rc == 2
    assert rules(p.run("audit", "--zone", relative, "--origin", ZONE, "--json", *ALLOW).lines()[:-1]) == rules(found)
    assert p.run("audit", "--zone", harness.write(os.path.join(p.folder, "names"), "a.test\n")).rc == 2


def test_zone_against_baseline(stage):
    """A whole zone: a name that is no more is a removed record."""
    p = harness.Perdure(stage, {})
    path, base = harness.write(os.path.join(p.folder, "zone"), ZONEFILE), os.path.join(p.folder, "base")
    p.run("audit", "--zone", path, *ALLOW, "--baseline", base, "--update-baseline")
    done = p.run("audit", "--zone", path, *ALLOW, "--baseline", base, "--json")
    assert done.rc == 0 and len(done.lines()) == 1, done
    harness.write(path, ZONEFILE.replace("_validation-persist.old", "; ").replace("@ NS ns", "@ NS ns\n@ NS ns.elsewhere.test."))
    found = p.run("audit", "--zone", path, *ALLOW, "--baseline", base, "--json").ok().lines()[:-1]
    assert rules(found, "old." + ZONE) == ["PD902"] and rules(found, ZONE) == ["PD607"], found


def test_inventory_in_zone_file(stage):
    """Names that certificates need and that the zone lacks."""
    ca = Directory(stage)
    p = harness.Perdure(stage, {"cas": [ca.config_entry()], "certificates": [{"names": ["new." + ZONE]}, {"names": ["elsewhere.example"]}]})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE)
    found = p.run("audit", "--zone", path, "--json").lines()[:-1]
    (missing,) = [f for f in found if f["rule"] == "PD402"]
    assert missing["name"] == "new." + ZONE and missing["fix"].startswith("_validation-persist.new." + ZONE)
    assert "PD401" in rules(found, "old." + ZONE) and not rules(found, "elsewhere.example")


def test_transfer(stage):
    """The same zone by AXFR from a real server: in many messages, with the key and without it, with a wrong one."""
    names = [f"n{i}" for i in range(3000)]
    records = [f'_validation-persist.{n} TXT "ca.test;accounturi={URL}"' for n in names] + [f"{n} A 192.0.2.1" for n in names]
    # What Knot would not load is left out.
    lines = [line for line in ZONEFILE.splitlines() if "xxx" not in line and "beside" not in line]
    knot = harness.Knot(stage, [ZONE], parent=None, records={ZONE: ["$TTL 3600", *lines[5:], *records]})
    p = harness.Perdure(stage, {})
    where = ("--zone", ZONE.upper() + ".", "--server", f"127.0.0.1@{knot.port}", "--json", *ALLOW)
    done = p.run("audit", *where, "--tsig-file", knot.tsig_file)
    assert done.rc == 5 and done.err == "", done
    found = done.lines()[:-1]
    assert {f["name"] for f in found} >= {f"{n}.{ZONE}" for n in names} and done.lines()[-1]["summary"]["records"] == 3004
    path = harness.write(os.path.join(p.folder, "zone"), "\n".join(lines + records) + "\n")
    same = p.run("audit", "--zone", path, "--json", *ALLOW).lines()[:-1]
    assert [(f["name"], f["rule"]) for f in same] == [(f["name"], f["rule"]) for f in found]
    refused = p.run("audit", *where)
    assert refused.rc == 1 and "--tsig-file" in refused.err and ("NOTAUTH" in refused.err or "REFUSED" in refused.err), refused
    wrong = harness.write(os.path.join(p.folder, "wrong"), "hmac-sha256:perdure-test:" + "A" * 43 + "=\n", 0o600)
    assert p.run("audit", *where, "--tsig-file", wrong).rc == 1
    open_to_all = harness.write(os.path.join(p.folder, "open"), harness.read(knot.tsig_file), 0o644)
    assert "chmod 600" in p.run("audit", *where, "--tsig-file", open_to_all).err
    assert p.run("audit", "--zone", ZONE, "--tsig-file", wrong).rc == 2 and p.run("audit", "--server", "127.0.0.1").rc == 2
    assert p.run("audit", "--zone", ZONE, "--server", "ns1.example").rc == 2


def test_zone_file_live(stage):
    """The names come from the zone, the facts from its servers."""
    w = World(stage)
    w.serve(['_validation-persist.old TXT "evil.example;accounturi=x"'])
    found, total = w.audit("--zone", w.file("zone", ZONEFILE), "--live", *ALLOW, rc=5)
    assert rules(found, "old." + ZONE) == ["PD201"] and total["names"] >= 8


def test_formats(stage):
    p = harness.Perdure(stage, {})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE + '_validation-persist.odd TXT "\\001\\255<&>\\"]]>"\n')
    files = {f: os.path.join(p.folder, f) for f in ("sarif", "junit", "openmetrics", "jsonl")}
    args = [a for f, to in files.items() for a in ("--format", f, "--out", to)]
    done = p.run("audit", "--zone", path, *ALLOW, *args)
    assert done.rc == 5 and "PD112" in done.out
    lines = [json.loads(line) for line in harness.read(files["jsonl"]).splitlines()]
    findings, total = lines[:-1], lines[-1]["summary"]
    check_sarif(json.loads(harness.read(files["sarif"])), findings, path)
    check_junit(files["junit"], findings)
    check_openmetrics(harness.read(files["openmetrics"]), findings, total)
    assert all(os.stat(f).st_mode & 0o777 == 0o644 for f in files.values())
    assert sorted(os.listdir(p.folder)) == sorted(set(os.listdir(p.folder)) | set(files)), "no temporary file is left"
    assert not [f for f in os.listdir(p.folder) if re.match(r"(sarif|junit|openmetrics|jsonl)\.", f)]
    # To standard output, one of them
    alone = p.run("audit", "--zone", path, *ALLOW, "--format", "jsonl").out
    assert [json.loads(a) for a in alone.splitlines()[:-1]] == findings
    for bad in (("--out", "x"), ("--format", "xml"), ("--format", "sarif", "--format", "junit"), ("--json", "--format", "junit"),
                ("--fail-on", "info"), ("--look", "mx"), ("--names", "x"), ("--update-baseline",), ("--thumbprint", "x")):
        done = p.run("audit", "--zone", path, *bad)
        assert done.rc == 2 and done.err, (bad, done)


def check_sarif(doc, findings, path):
    """
    That the results are the findings, and the references inside are right; the schema is test_sarif_is_valid's.
    """
    assert doc["version"] == "2.1.0" and doc["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = doc["runs"]
    driver = run["tool"]["driver"]
    assert set(driver) <= {"name", "version", "rules"} and driver["name"] == "perdure"
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note") and rule["shortDescription"]["text"]
        assert rule["help"]["text"]
    assert len(run["results"]) == len(findings)
    for result, finding in zip(run["results"], findings):
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding["rule"]
        assert result["level"] == {"error": "error", "warning": "warning", "info": "note"}[finding["severity"]]
        assert finding["name"] in result["message"]["text"]
        (where,) = result["locations"]
        assert where["physicalLocation"]["artifactLocation"]["uri"] == path
        assert where["logicalLocations"][0]["fullyQualifiedName"] == finding["owner"]
        assert result["partialFingerprints"] == {"perdure/v1": finding["fingerprint"]}
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", invocation["endTimeUtc"])
    assert set(run) <= {"tool", "results", "invocations", "columnKind"}


def check_junit(path, findings):
    root = ET.parse(path).getroot()
    assert root.tag == "testsuites"
    failed = 0
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases) > 0 and suite.get("name")
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
        failed += len(suite.findall("testcase/failure"))
        assert all(c.get("classname") == suite.get("name") for c in cases)
    assert failed == sum(f["severity"] != "info" for f in findings)


def check_openmetrics(text, findings, total):
    from prometheus_client.openmetrics import parser
    families = {f.name: f for f in parser.text_string_to_metric_families(text)}
    counts = {s.labels["rule"]: s.value for s in families["perdure_audit_findings"].samples}
    for rule, count in counts.items():
        assert count == sum(f["rule"] == rule for f in findings), rule
    assert {s.labels["seen"]: s.value for s in families["perdure_audit_names"].samples} == {
        "yes": total["names"] - total["unseen"], "no": total["unseen"]}
    (end,) = families["perdure_audit_end_timestamp_seconds"].samples
    assert abs(end.value - time.time()) < 600


def test_text(stage):
    """For people: findings with their evidence and what to do, infos only when asked for, a sum."""
    p = harness.Perdure(stage, {})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE)
    done = p.run("audit", "--zone", path, *ALLOW)
    assert f"error PD503 dangling.{ZONE}: " in done.out and "  remedy:  " in done.out and "info PD" not in done.out
    assert re.search(r"^9 names, 4 records: \d+ errors, \d+ warnings, \d+ infos; 1 could not be looked at$", done.out, re.M), done.out
    # The last lines are a table: how often each rule found something, the gravest first.
    table = re.findall(r"^(error|warning|info) +(PD\d+) +(\d+)  \S", done.out, re.M)
    assert ("error", "PD503", "1") in table and [s for s, _, _ in table] == sorted((s for s, _, _ in table), key=["error", "warning", "info"].index), done.out
    assert sum(int(n) for _, _, n in table) == sum(map(int, re.search(r": (\d+) errors, (\d+) warnings, (\d+) infos", done.out).groups()))
    assert "info PD302" in p.run("audit", "--zone", path, *ALLOW, "-v").out
    quiet = p.run("audit", "--zone", path, *ALLOW, "-q").out
    assert "error PD503" in quiet and " names, " not in quiet
    assert p.run("audit").rc == 2


def test_rules_page(stage):
    """docs/audit-rules.md has a section for each rule, with the severity and the words of the table."""
    p = harness.Perdure(stage, "")
    table = p.run("audit", "--list-rules", "--json").ok().lines()
    page = harness.read(PAGE)
    sections = re.findall(r"^## (PD\d{3}) (\S+)\n\n\*(\w+)\*: (.*)\.$", page, re.M)
    assert sections == [(r["rule"], r["title"], r["severity"], r["message"]) for r in table]
    for r in table:
        body = page.partition(f"## {r['rule']} ")[2].partition("\n## ")[0]
        assert r["remedy"] in re.sub(r"\s+", " ", body), r["rule"]
    text = p.run("audit", "--list-rules").ok().out
    assert [line.split()[0] for line in text.splitlines()] == [r["rule"] for r in table]


@pytest.mark.parametrize("count", [3000])
def test_many_names(stage, count):
    """Names are streamed in their order."""
    w = World(stage)
    w.serve([f'_validation-persist.n{i} TXT "ca.test;accounturi={URL}"' for i in range(0, count, 2)])
    found, total = w.audit("--names", w.file("names", "".join(f"n{i}.{ZONE}\n" for i in range(count))), *ALLOW, rc=0)
    assert total["names"] == count and total["records"] == count / 2 and rules(found) == ["PD302"]
    assert [f["name"] for f in found] == [f"n{i}.{ZONE}" for i in range(0, count, 2)]


# The schema of SARIF 2.1.0 as a package on PyPI has it: types made of the schema of OASIS by a generator, with its enumerations, patterns,
# limits and required members, in which members that the schema does not know are forbidden.
SARIF_READER = """
import json, sys
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log
import pydantic
for doc in json.load(sys.stdin):
    try:
        print(json.dumps(len(Log.model_validate(doc).runs[0].results)))
    except pydantic.ValidationError as e:
        print(json.dumps([".".join(map(str, x["loc"])) for x in e.errors()]))
"""


def sarif_judge(docs):
    """For each the number of results, or where it breaks the schema."""
    python = os.path.join(harness.ROOT, "build/tools/python/bin/python")
    if not os.path.exists(python):
        pytest.skip("NO TOOLS: tests/requirements.txt is not installed in build/tools/python (make test does it)")
    done = subprocess.run([python, "-c", SARIF_READER], input=json.dumps(docs), capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_sarif_is_valid(stage):
    p = harness.Perdure(stage, {})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE)
    doc = json.loads(p.run("audit", "--zone", path, *ALLOW, "--format", "sarif").out)
    spoil = {
        "level": lambda run: run["results"][0].update(level="fatal"),
        "surprise": lambda run: run["results"][0].update(surprise=1),
        "message": lambda run: run["results"][0].pop("message"),
        "ruleIndex": lambda run: run["results"][0].update(ruleIndex=-2),
        "driver.name": lambda run: run["tool"]["driver"].pop("name"),
    }
    docs = [doc]
    for f in spoil.values():
        docs.append(copy.deepcopy(doc))
        f(docs[-1]["runs"][0])
    results, *broken = sarif_judge(docs)
    assert results == len(doc["runs"][0]["results"]) > 10
    for where, places in zip(spoil, broken):
        assert any(where in place for place in places), "the schema does judge"


def test_configured(stage):
    """What is right may stand in the configuration, and a wrong rule there is told with its place."""
    audit = {"issuers": ["ca.test"], "accounts": [URL], "zones": ["acme-dns.test", "elsewhere.test", f"sub.{ZONE}"], "expiry": "60d",
             "ignore": [{"rule": "PD302"}, {"rule": "PD404", "name": f"*.{ZONE}"}, {"name": f"both.{ZONE}"}]}
    p = harness.Perdure(stage, {"audit": audit})
    path = harness.write(os.path.join(p.folder, "zone"), ZONEFILE.replace(f'{URL};policy=wildcard', f"{URL};persistUntil={int(time.time()) + 50 * 86400}"))
    done = p.run("audit", "--zone", path, "--json")
    assert done.rc == 5 and done.err == "", done
    found = done.lines()[:-1]
    assert rules(found, ZONE) == ["PD304"] and rules(found, "old." + ZONE) == [] and rules(found, "both." + ZONE) == []
    assert rules(found, "wild." + ZONE) == ["PD506"] and rules(found, "out." + ZONE) == ["PD501"]
    bad = harness.Perdure(stage, {"audit": {"ignore": [{"rule": "PD302"}, {"rule": "PD000"}]}})
    done = bad.run("audit", "--zone", path)
    assert done.rc == 2 and re.search(r"perdure\.yaml:\d+:\d+: there is no rule \"PD000\"", done.err) and "--list-rules" in done.err, done
    everything = harness.Perdure(stage, {"audit": {"ignore": [{}]}})
    assert "ignore everything" in everything.run("config", "check").err


def test_progress_bar(stage):
    """On a terminal, and nowhere else."""
    w = World(stage)
    names = w.file("names", "".join(f"n{i}.{ZONE}\n" for i in range(2000)))
    rc, out, seen = w.p.on_terminal("audit", "--names", names, "--look", "txt", *ALLOW)
    assert rc == 0 and out.startswith("2000 names, 0 records") and "[" not in out
    assert re.search(rb"\r\x1b\[K\[[#.]{30}\] +\d+ %  \d+ names, \d+/s", b"\r\x1b[K" + seen), seen[:300]
    assert w.p.run("audit", "--names", names, "--look", "txt", *ALLOW).err == ""
