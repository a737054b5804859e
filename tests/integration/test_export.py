"""
`perdure record export`: every format goes to the tool it is made for where that tool can be had (named-checkzone, nsupdate, octoDNS, Ansible, botocore
with the AWS CLI's model of Route 53, sh), and to a parser of its language and a table of what the tool takes where it cannot (HCL, YAML, JavaScript as
JSON calls). Whatever the tool, it must arrive at the same records, and at those of others at the same names unharmed.
"""
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

import harness
import terraform_schemas
from small_servers import Directory

ZONES = ["a.bench.test", "b.bench.test"]
ONE, TWO = "https://one.test/acct/1", "https://two.test/acct/" + "x" * 230
FOREIGN = 'someone="else"; 100% ${x} \\ it\'s'
OWNER = "_validation-persist.www.a.bench.test"
TYPES = ("terraform-cloudflare", "terraform-cloudflare4", "terraform-aws", "terraform-google", "terraform-azure", "terraform-digitalocean",
         "terraform-hetzner")


def ca(name, url, directory):
    return {"name": name, "directory": directory.dir_url, "ca_bundle": directory.ca_bundle, "issuer": name + ".test", "level": "01",
            "account": {"url": url}}


@pytest.fixture
def world(stage, make_knot):
    """Knot with one of our records already there, in another spelling, and somebody else's beside it."""
    def presented(text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    knot = make_knot(ZONES, records={ZONES[0]: [f'{OWNER}. 600 TXT "one.test; accounturi={ONE}; policy=wildcard"',
                                                f"{OWNER}. 600 TXT {presented(FOREIGN)}"]})
    directory = Directory(stage)
    p = harness.Perdure(stage, {"cas": [ca("one", ONE, directory), ca("two", TWO, directory)], "dns": {"stubs": [knot.stub()]},
                                "certificates": [{"names": ["www.a.bench.test", "*.www.a.bench.test"], "ca": ["one", "two"]},
                                                 {"names": ["b.bench.test"], "ca": ["one"]}]})
    return p, knot


def exported(p, name, *args):
    done = p.run("record", "export", "--format", name, "--offline", *(args or ("--zone", ZONES[0], "--zone", ZONES[1])))
    assert done.rc == 0, done
    return done.out


def observed(p, name):
    """The export with a look at the DNS."""
    done = p.run("record", "export", "--format", name, "--zone", ZONES[0], "--zone", ZONES[1])
    assert done.rc == 0, done
    return done.out


BESIDE = (("caa",), ("delegations", "--validation-zone", "auth." + ZONES[1]))


def beside(p, name):
    """The exports of CAA and of delegations, whose validation names are in the second zone."""
    return [exported(p, name, "--zone", ZONES[0], "--zone", ZONES[1], "--what", *what) for what in BESIDE]


def told_beside():
    """What those are: (owner, type, data)."""
    def caa(issuer, url):
        return f'0 issue "{issuer};accounturi={url};validationmethods=dns-persist-01"'

    return {("www.a.bench.test", "CAA", caa("one.test", ONE)), ("www.a.bench.test", "CAA", caa("two.test", TWO)), ("b.bench.test", "CAA", caa("one.test", ONE)),
            ("_acme-challenge.www.a.bench.test", "CNAME", "_www-a-bench-test.auth.b.bench.test."),
            ("_acme-challenge.b.bench.test", "CNAME", "_b-bench-test.auth.b.bench.test.")}


def served_beside(knot):
    out = set()
    for owner, kind, _ in told_beside():
        lines = run(["kdig", "@127.0.0.1", "-p", str(knot.port), "+short", "+tcp", owner, kind]).splitlines()
        out |= {(owner, kind, line.strip()) for line in lines}
    return out


def value(issuer, url, wildcard=True):
    return f"{issuer};accounturi={url}" + (";policy=wildcard" if wildcard else "")


def wanted():
    return {(OWNER, value("one.test", ONE)), (OWNER, value("two.test", TWO)), ("_validation-persist.b.bench.test", value("one.test", ONE, False))}


def respelled(found):
    """With the record of ours that stood in another spelling in our own."""
    return {(o, v.replace("; ", ";") if v.startswith("one.test") else v) for o, v in found}


def joined(text):
    """Presentation form of TXT to the value."""
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    assert parts and all(len(re.sub(r"\\(.)", r"\1", part)) <= 255 for part in parts)
    return re.sub(r"\\(.)", r"\1", "".join(parts))


def python_tool(name):
    path = os.path.join(harness.ROOT, "build/tools/python/bin", name)
    if not os.path.exists(path):
        pytest.skip("NO TOOLS: tests/requirements.txt is not installed in build/tools/python (make test does it)")
    return path


def run(argv, **kw):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **kw)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_zone_file_passes_named_checkzone(world, tmp_path):
    p, _ = world
    text = exported(p, "zone")
    for zone in ZONES:
        part = text.split(f"; zone {zone}\n")[1].split("; zone")[0]
        file = tmp_path / zone
        file.write_text(f"$TTL 60\n@ SOA ns hostmaster 1 1 1 1 1\n@ NS ns\nns A 127.0.0.1\n{part}")
        loaded = run(["named-checkzone", "-D", zone, str(file)])
        got = {(m[1], joined(m[2])) for m in re.finditer(r"^(_validation-persist\S*)\.\s+3600 IN TXT\s+(.*)$", loaded, re.M)}
        assert got == {w for w in wanted() if w[0].endswith(zone)}


def test_nsupdate_changes_only_what_is_missing(world):
    p, knot = world
    script = f"server 127.0.0.1 {knot.port}\nkey hmac-sha256:{knot.tsig_name} {knot.tsig_secret}\n" + observed(p, "nsupdate")
    run(["nsupdate"], input=script)

    def stands(owner):
        return sorted(v.replace('"', "") for v in run(["dig", "@127.0.0.1", "-p", str(knot.port), "+short", "+tcp", owner, "TXT"]).splitlines())

    got = stands(OWNER)
    assert len(got) == 3 and any(v.startswith("someone=") for v in got)
    assert f"one.test; accounturi={ONE}; policy=wildcard".replace(";", "\\;") in got or f"one.test; accounturi={ONE}; policy=wildcard" in got
    assert len(stands("_validation-persist.b.bench.test")) == 1
    again = observed(p, "nsupdate")
    assert "send" not in again and again.count("stands already") == 2
    # what was seen has changed meanwhile: the server refuses
    knot.nsupdate([f'{OWNER} 600 TXT "new"'])
    done = subprocess.run(["nsupdate"], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert "NXRRSET" in done.stdout + done.stderr or "YXRRSET" in done.stdout + done.stderr


def test_nsupdate_of_caa_and_delegations(world):
    p, knot = world
    for text in beside(p, "nsupdate"):
        run(["nsupdate"], input=f"server 127.0.0.1 {knot.port}\nkey hmac-sha256:{knot.tsig_name} {knot.tsig_secret}\n{text}")
    assert served_beside(knot) == told_beside()


def hcl(text, tmp_path):
    """[(name, body)] of all resources; strings as they mean. What the provider does not take is found."""
    file = tmp_path / "x.tf"
    file.write_text(text)
    tree = json.loads(run([python_tool("hcl2tojson"), str(file)]))
    assert not terraform_schemas.faults(tree)

    def plain(v):
        if isinstance(v, str) and v[:1] == '"':
            return json.loads(v.replace("$${", "${").replace("%%{", "%{"))
        if isinstance(v, list):
            return [plain(x) for x in v]
        if isinstance(v, dict):
            return {plain(k) if k[:1] == '"' else k: plain(x) for k, x in v.items() if k != "__is_block__"}
        return v

    return [body for block in plain(tree["resource"]) for kind in block.values() for body in kind.items()]


def terraform_records(name, resources):
    """(owner, value) of every TXT resource as the provider of that format makes them."""
    out = set()
    for _, body in resources:
        zone = body.get("zone") or body.get("domain") or body.get("zone_name")
        owner = body["name"].rstrip(".") + ("." + zone if zone else "")
        if name in ("terraform-cloudflare", "terraform-cloudflare4"):
            values = [joined(body["content"])]
        elif name == "terraform-aws":
            values = [re.sub(r"\\(.)", r"\1", "".join(v.split('""'))) for v in body["records"]]
            assert all(len(part) <= 255 for v in body["records"] for part in v.split('""'))
        elif name == "terraform-google":
            values = [joined(v) for v in body["rrdatas"]]
        elif name == "terraform-azure":
            values = [r["value"] for r in body["record"]]
        elif name == "terraform-digitalocean":
            values = [body["value"]]
        else:
            values = [re.fullmatch(r"\$\{provider::hcloud::txt_record\((.*)\)\}", r["value"], re.S)[1] for r in body["records"]]
            values = [json.loads(v.replace("$${", "${").replace("%%{", "%{")) for v in values]
        out |= {(owner, v) for v in values}
    return out


@pytest.mark.parametrize("name", TYPES)
def test_terraform_is_hcl_and_means_the_records(world, tmp_path, name):
    p, _ = world
    assert terraform_records(name, hcl(exported(p, name), tmp_path)) == wanted()
    text = observed(p, name)
    seen = terraform_records(name, hcl(text, tmp_path))
    spelled = respelled(seen)
    whole = name not in ("terraform-cloudflare", "terraform-cloudflare4", "terraform-digitalocean")
    assert spelled - {(OWNER, FOREIGN)} == wanted()
    assert ((OWNER, FOREIGN) in spelled) == whole
    assert ("import {" in text) == whole and ("terraform import" in text) == (not whole)


def octodns_data(value):
    return f'{value.get("flags", 0)} {value["tag"]} "{value["value"]}"' if isinstance(value, dict) else value


def octodns(texts, tmp_path):
    """(owner, type, data) as octoDNS itself has it: from the exported YAML into another folder."""
    sync, files = python_tool("octodns-sync"), dict.fromkeys(ZONES, "---\n")
    for text in texts:
        for document in text.split("---\n")[1:]:
            files[re.match(r"# (\S+)\.yaml\n", document)[1]] += document
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    for zone, text in files.items():
        (tmp_path / "in" / f"{zone}.yaml").write_text(text)
    config = {"providers": {"in": {"class": "octodns.provider.yaml.YamlProvider", "directory": str(tmp_path / "in"), "enforce_order": False},
                            "out": {"class": "octodns.provider.yaml.YamlProvider", "directory": str(tmp_path / "out"), "escaped_semicolons": False}},
              "zones": {z + ".": {"sources": ["in"], "targets": ["out"]} for z in files}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    run([sync, "--config-file", str(tmp_path / "config.yaml"), "--doit", "--force"])
    got = set()
    for zone in files:
        for name, records in yaml.safe_load((tmp_path / "out" / f"{zone}.yaml").read_text()).items():
            for record in records if isinstance(records, list) else [records]:
                got |= {(f"{name}.{zone}".lstrip("."), record["type"], v) for v in map(octodns_data, record.get("values") or [record["value"]])}
    return got


def test_octodns_reads_and_plans_it(world, tmp_path):
    p, _ = world
    got = octodns([observed(p, "octodns")], tmp_path)
    assert {kind for _, kind, _ in got} == {"TXT"}
    assert respelled({(o, v) for o, _, v in got}) == wanted() | {(OWNER, FOREIGN)}
    (tmp_path / "more").mkdir()
    assert octodns(beside(p, "octodns"), tmp_path / "more") == told_beside()


def aws_batches(script, tmp_path):
    """The change batches of a script, run with a stand-in for the command; botocore's model of the service, by which the AWS CLI goes, takes them."""
    python = python_tool("python")
    tmp_path.mkdir(exist_ok=True)
    fake = tmp_path / "aws"
    fake.write_text('#!/bin/sh\nif [ "$2" = list-hosted-zones-by-name ]; then echo /hostedzone/Z1; exit; fi\n'
                    f'while [ "$1" != --change-batch ]; do shift; done; printf "%s\\n" "$2" >> {tmp_path}/batches\n')
    fake.chmod(0o755)
    run(["sh"], input=script, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    batches = [json.loads(line) for line in (tmp_path / "batches").read_text().splitlines()]
    check = ("import json,sys,botocore.session,botocore.validate as v\n"
             "m=botocore.session.get_session().get_service_model('route53').operation_model('ChangeResourceRecordSets').input_shape\n"
             "for b in json.load(sys.stdin):\n"
             " r=v.ParamValidator().validate({'HostedZoneId':'Z1','ChangeBatch':b},m)\n"
             " assert not r.has_errors(), r.generate_report()\n")
    run([python, "-c", check], input=json.dumps(batches))
    return batches


def test_aws_batches_fit_the_model_of_route53(world, tmp_path):
    p, _ = world
    batches = aws_batches(observed(p, "aws-cli"), tmp_path)
    got, actions = set(), {}
    for b in batches:
        (change,) = b["Changes"]
        rrset = change["ResourceRecordSet"]
        actions[rrset["Name"].rstrip(".")] = change["Action"]
        got |= {(rrset["Name"].rstrip("."), joined(r["Value"])) for r in rrset["ResourceRecords"]}
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)}
    assert actions == {OWNER: "UPSERT", "_validation-persist.b.bench.test": "CREATE"}


def arguments(script, command, tmp_path):
    """The argument lists with which a script calls a command, recorded by a stand-in."""
    fake = tmp_path / command
    fake.write_text(f'#!/bin/sh\n[ "$2" != managed-zones ] || {{ echo zone-1; exit; }}\nfor a; do printf "%s\\0" "$a"; done >> {tmp_path}/calls\n'
                    f'printf "\\1" >> {tmp_path}/calls\n')
    fake.chmod(0o755)
    run(["sh"], input=script, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    return [call.split("\0")[:-1] for call in (tmp_path / "calls").read_text().split("\1")[:-1]]


def test_gcloud_calls(world, tmp_path):
    p, _ = world
    got = set()
    for call in arguments(observed(p, "gcloud"), "gcloud", tmp_path):
        verb, owner, data = call[2], call[3].rstrip("."), call[-1]
        assert verb == ("update" if owner == OWNER else "create") and data.startswith("--rrdatas=^|^")
        got |= {(owner, joined(v)) for v in data[len("--rrdatas=^|^"):].split("|")}
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)}


def test_cfcli_calls_add_what_is_missing(world, tmp_path):
    p, _ = world
    calls = arguments(observed(p, "cfcli"), "cfcli", tmp_path)
    got = {(c[-2] + "." + c[1], joined(c[-1])) for c in calls}
    assert got == wanted() - {(OWNER, value("one.test", ONE))}


def test_dnscontrol_calls(world):
    p, _ = world
    text = observed(p, "dnscontrol")
    got = set()
    for zone, body in re.findall(r'D_EXTEND\(("[^"]*"),\n(.*?)\n\);', text, re.S):
        for line in body.splitlines():
            name, data, ttl = re.fullmatch(r'  TXT\(("(?:[^"\\]|\\.)*"), ("(?:[^"\\]|\\.)*"), TTL\((\d+)\)\),', line).groups()
            got.add((f"{json.loads(name)}.{json.loads(zone)}", json.loads(data)))
            assert int(ttl) > 0
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)}


def test_ansible_runs_it(world, tmp_path):
    """The playbook is played by Ansible itself, with its own module for dynamic updates."""
    if not shutil.which("ansible-playbook"):
        pytest.skip("NO ANSIBLE: tools/bootstrap.sh test installs it")
    p, knot = world
    plays = [yaml.safe_load(text)[0] for text in (observed(p, "ansible"), *beside(p, "ansible"))]
    for task in (t for play in plays for t in play["tasks"]):
        task["community.general.nsupdate"]["port"] = knot.port
    (tmp_path / "play.yaml").write_text(yaml.safe_dump(plays))
    variables = {"dns_server": "127.0.0.1", "tsig_name": knot.tsig_name, "tsig_secret": knot.tsig_secret, "tsig_algorithm": "hmac-sha256"}
    (tmp_path / "vars.json").write_text(json.dumps(variables))
    argv = ["ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"@{tmp_path}/vars.json", str(tmp_path / "play.yaml")]
    env = {**os.environ, "HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_RETRY_FILES_ENABLED": "0", "LC_ALL": "C.UTF-8"}
    assert re.search(r"changed=6 .*failed=0", run(argv, env=env))
    got = set()
    for owner in (OWNER, "_validation-persist.b.bench.test"):
        got |= {(owner, joined(v)) for v in run(["kdig", "@127.0.0.1", "-p", str(knot.port), "+short", "+tcp", owner, "TXT"]).splitlines()}
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)} and served_beside(knot) == told_beside()


def test_yaml_of_external_dns_and_ansible(world):
    p, _ = world
    got = set()
    for d in yaml.safe_load_all(observed(p, "external-dns")):
        assert (d["apiVersion"], d["kind"]) == ("externaldns.k8s.io/v1alpha1", "DNSEndpoint")
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", d["metadata"]["name"])
        for e in d["spec"]["endpoints"]:
            # The fields and types of the resource definition of DNSEndpoint (v1alpha1).
            assert set(e) == {"dnsName", "recordType", "recordTTL", "targets"} and e["recordType"] == "TXT"
            assert isinstance(e["recordTTL"], int) and isinstance(e["dnsName"], str) and all(isinstance(t, str) for t in e["targets"])
            assert set(d) == {"apiVersion", "kind", "metadata", "spec"} and set(d["spec"]) == {"endpoints"} and len(d["metadata"]["name"]) <= 253
            got |= {(e["dnsName"], joined(t)) for t in e["targets"]}
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)}
    (play,) = yaml.safe_load(observed(p, "ansible"))
    tasks = [t["community.general.nsupdate"] for t in play["tasks"]]
    got = {(t["record"].rstrip("."), joined(v)) for t in tasks for v in t["value"]}
    assert respelled(got) == wanted() | {(OWNER, FOREIGN)}


@pytest.mark.parametrize("name", TYPES)
def test_delegations_tell_terraform_to_leave_the_value_alone(world, tmp_path, name):
    p, _ = world
    text = exported(p, name, "--zone", ZONES[0], "--zone", ZONES[1], "--zone", "val.test", "--what", "delegations", "--validation-zone", "val.test")
    resources = dict(hcl(text, tmp_path))
    assert len(resources) == 4
    ignoring = {k for k, b in resources.items() if "lifecycle" in b}
    assert ignoring == {k for k in resources if k.startswith("txt_")} and len(ignoring) == 2


def test_delegations_in_a_zone_file(world, tmp_path):
    p, _ = world
    zones = [arg for z in (*ZONES, "val.test") for arg in ("--zone", z)]
    text = exported(p, "zone", *zones, "--what", "delegations", "--validation-zone", "val.test")
    file = tmp_path / "z"
    file.write_text("$TTL 60\n$ORIGIN test.\n@ SOA ns hostmaster 1 1 1 1 1\n@ NS ns\nns A 127.0.0.1\n" + text)
    loaded = run(["named-checkzone", "-D", "test", str(file)])
    assert re.search(r"^_acme-challenge\.b\.bench\.test\.\s+86400 IN CNAME\s+_b-bench-test\.val\.test\.$", loaded, re.M)
    # With that zone in the configuration the names are the same, and so are the TTLs.
    plain = p.config
    for ttls in ({}, {"cname_ttl": "1h", "txt_ttl": "1m"}):
        conf = {**plain, "delegation": {"zone": "val.test", **ttls}}
        p.configure(conf)
        by_option = exported(p, "zone", *zones, "--what", "delegations", "--validation-zone", "val.test")
        p.configure({**conf, "certificates": [{**c, "validation": "delegation"} for c in conf["certificates"]]})
        assert by_option == exported(p, "zone", *zones, "--what", "delegations")
        assert ("60 IN TXT" in by_option) == bool(ttls)


def test_caa(world, tmp_path):
    p, _ = world
    text = exported(p, "zone", "--zone", ZONES[0], "--zone", ZONES[1], "--what", "caa")
    file = tmp_path / "z"
    file.write_text("$TTL 60\n$ORIGIN bench.test.\n@ SOA ns hostmaster 1 1 1 1 1\n@ NS ns\nns A 127.0.0.1\n" + text)
    loaded = run(["named-checkzone", "-D", "bench.test", str(file)])
    assert re.search(rf'^b\.bench\.test\.\s+3600 IN CAA\s+0 issue "one\.test;accounturi={ONE};validationmethods=dns-persist-01"$', loaded, re.M)
    for name in TYPES:
        hcl(exported(p, name, "--zone", ZONES[0], "--zone", ZONES[1], "--what", "caa"), tmp_path)


def test_caa_and_delegations_of_the_rest(world, tmp_path):
    """Each in its own words. cfcli and external-dns have no CAA, and say so."""
    p, _ = world
    cnames = {t for t in told_beside() if t[1] == "CNAME"}
    sets = [b["Changes"][0]["ResourceRecordSet"] for b in aws_batches("".join(beside(p, "aws-cli")), tmp_path / "aws")]
    assert {(s["Name"].rstrip("."), s["Type"], r["Value"]) for s in sets for r in s["ResourceRecords"]} == told_beside()
    calls = arguments("".join(beside(p, "gcloud")), "gcloud", tmp_path)
    assert {(c[3].rstrip("."), c[5].removeprefix("--type="), v) for c in calls for v in c[-1].removeprefix("--rrdatas=^|^").split("|")} == told_beside()
    (tmp_path / "calls").unlink()
    texts = beside(p, "cfcli")
    assert {(f"{c[-2]}.{c[1]}", c[3], c[-1] + ".") for c in arguments("".join(texts), "cfcli", tmp_path)} == cnames and "not here" in texts[0]
    found = set()
    for text in beside(p, "dnscontrol"):
        for zone, body in re.findall(r'D_EXTEND\(("[^"]*"),\n(.*?)\n\);', text, re.S):
            for kind, given in re.findall(r'^  (CAA|CNAME)\((.*), TTL\(\d+\)\),$', body, re.M):
                name, *data = json.loads(f"[{given}]")
                owner = json.loads(zone) if name == "@" else f"{name}.{json.loads(zone)}"
                found.add((owner, kind, data[0] if kind == "CNAME" else f'0 {data[0]} "{data[1]}"'))
    assert found == told_beside()
    texts = beside(p, "external-dns")
    ends = [e for d in yaml.safe_load_all(texts[1]) for e in d["spec"]["endpoints"]]
    assert {(e["dnsName"], e["recordType"], t + ".") for e in ends for t in e["targets"]} == cnames and "not here" in texts[0]


def test_template_says_what_to_type(world):
    p, _ = world
    lines = p.run("record", "template", "--json", "--zone", ZONES[0], "--zone", ZONES[1]).lines()
    assert [(r["host"], r["published"]) for r in lines] == [("_validation-persist.www", True), ("_validation-persist.www", False),
                                                            ("_validation-persist", False)]
    assert p.run("record", "template", "--zone", ZONES[0], "--zone", ZONES[1]).out.count("stands already") == 1


@pytest.mark.parametrize("args, words", [
    ((), "--format is needed"),
    (("--format", "bind"), "no such format"),
    (("--format", "zone", "--what", "mx"), "records, caa, delegations or tokens"),
    (("--format", "zone", "--what", "delegations"), "--validation-zone"),
    (("--format", "zone", "--offline", "--zone", "other.test"), "which zone"),
])
def test_usage(world, args, words):
    p, _ = world
    done = p.run("record", "export", *args)
    assert done.rc == 2 and words in done.err and not done.out, done


def test_help_lists_every_format(world):
    p, _ = world
    error = p.run("record", "export", "--format", "none").err
    formats = re.search(r"one of (.*)", error)[1].split(", ")
    text = p.run("record", "export", "--help").out
    assert len(formats) == 16 and all(re.search(rf"\b{re.escape(f)}\b", text) for f in formats)
