"""docs/json.md lists exactly the fields that --json prints, for every command that works without a CA's help."""
import json
import os
import re
import time

import pytest

import harness
from small_servers import Directory, ZoneServer, free_port_on

PAGE = os.path.join(harness.ROOT, "docs/json.md")


def page():
    """Heading -> the set of fields in its table; a heading of several commands counts for each."""
    found = {}
    for section in re.split(r"^## ", harness.read(PAGE), flags=re.M)[1:]:
        head, _, body = section.partition("\n")
        fields = set(re.findall(r"^\| `([^`]+)` \|", body, re.M))
        for command in head.split(", "):
            assert command not in found
            found[command] = fields
    return found


def fields(value, head=""):
    """All fields of an object: a, a[].b, a.b."""
    out = set()
    for k, v in value.items():
        out.add(head + k)
        if isinstance(v, dict):
            out |= fields(v, f"{head}{k}.")
        for element in v if isinstance(v, list) else []:
            if isinstance(element, dict):
                out |= fields(element, f"{head}{k}[].")
    return out


def no_field_twice(pairs):
    names = [k for k, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


def printed(p, *args, rc=0, **kw):
    """The fields of all lines that a command prints, which must each be an object."""
    done = p.run(*args, "--json", **kw)
    assert done.rc == rc, done
    found = [json.loads(line, object_pairs_hook=no_field_twice) for line in done.out.splitlines()]
    assert found and all(isinstance(f, dict) for f in found), done
    return set().union(*map(fields, found))


@pytest.fixture
def world(stage):
    ca = Directory(stage, {"caaIdentities": ["ca.test"], "profiles": {"short": "six days"}})
    port = free_port_on(["127.0.0.1"])
    lines = ['_validation-persist TXT "text"', "_validation-persist.www CNAME _validation-persist", '@ CAA 0 issue "ca.test"']
    ZoneServer(stage, "127.0.0.1", port, "example.test", lines)
    stub = {"zone": "example.test", "servers": ["127.0.0.1"], "port": port}
    return harness.Perdure(stage, {"cas": [ca.config_entry()], "dns": {"stubs": [stub]}, "certificates": [{"names": ["example.test"]}]})


def test_every_command_is_on_the_page(stage):
    p = harness.Perdure(stage, "")
    text = p.run("--help").ok().out.partition("commands:\n")[2].partition("\n\n")[0]
    commands = {line[2:26].strip() for line in text.splitlines()}
    assert len(commands) > 10
    documented = {head for head in page() if " --" not in head and head != "any command that fails"}
    assert documented == commands


def test_commands_without_a_ca(world):
    doc = page()
    account = doc["account show"] - {"new", "resumed", "file", "dry_run"}
    assert printed(world, "config", "check") == doc["config check"]
    assert printed(world, "ca", "list") == doc["ca list"]
    assert printed(world, "ca", "probe", "ca") == doc["ca probe"]
    assert printed(world, "record", "show") == doc["record show"]
    assert printed(world, "record", "plan") == doc["record plan"]
    assert printed(world, "record", "export") == doc["record export"]
    assert printed(world, "record", "template") == doc["record template"]
    assert printed(world, "audit", "--look", "txt", rc=5) == doc["audit"]
    resolver = "{servers[0]}@{port}".format(**world.config["dns"]["stubs"][0])
    assert printed(world, "check", "example.test", "www.example.test", "--vantage", resolver, rc=5) == doc["check"]
    assert printed(world, "check", "example.test", "a" * 60 + ".example.test", "--if-published", "--zone", "other.test",
                   rc=5) == doc["check --if-published"]
    result = harness.write(os.path.join(world.folder, "here.json"), world.run("check", "--all", "--json").out)
    assert printed(world, "check", "--merge", result, result, rc=5) == doc["check --merge"]
    assert printed(world, "check", "example.test", "*.example.test", "--advise", rc=5) == doc["check --advise"]
    assert printed(world, "check", "--codes") == doc["check --codes"]
    assert printed(world, "status") == {f for f in doc["status"] if not f.startswith("deploys[]")}
    assert printed(world, "doctor", "--offline") == doc["doctor"]
    assert printed(world, "account", "show") == account
    assert printed(world, "account", "show", "--public") == account
    assert printed(world, "account", "list") == account
    assert printed(world, "issue", "example.test", "--dry-run") == doc["issue --dry-run"]
    summary = {f for f in doc["renew"] if f.startswith("summary")}
    assert printed(world, "renew", "--dry-run") == doc["renew --dry-run"] | summary
    os.makedirs(os.path.join(world.state_dir, "archive/old.test/1"))
    os.mkdir(os.path.join(world.state_dir, "live"))
    os.symlink("../archive/old.test/1", os.path.join(world.state_dir, "live/old.test"))
    assert printed(world, "delete", "old.test", "--dry-run") == doc["delete"]
    assert printed(world, "delete", "old.test", "--yes") == doc["delete"]


def test_providers(stage):
    doc = page()
    p = harness.Perdure(stage, {"providers": [{"name": "edge", "type": "rfc2136", "server": "127.0.0.1@1", "tsig": {"file": "none"}}]})
    assert printed(p, "provider", "list") == doc["provider list"]
    assert printed(p, "provider", "policy", "edge") == doc["provider policy"]
    assert printed(p, "provider", "test", "edge", "--zone", "example.test", rc=1) >= doc["provider test"] | {"error", "error_kind"}


def test_init(stage):
    p = harness.Perdure(stage, "")
    os.remove(p.config_file)
    assert printed(p, "init") == page()["init"]


def test_record_judge(world):
    question = {"id": 1, "txt": [["x"]], "identifier": "example.test", "issuer_domain_names": ["ca.test"],
                "account_uri": "https://ca.test/1", "now": int(time.time())}
    doc = page()["record judge"]
    assert printed(world, "record", "judge", input=json.dumps(question)) == doc - {"error"}
    assert printed(world, "record", "judge", input='{"id": 2}', rc=1) >= {"id", "error"}


def test_errors(world):
    doc = page()["any command that fails"]
    assert printed(world, "check", "com", rc=2) <= doc
    assert printed(world, "ca", "probe", "none", rc=2) >= {"error", "error_kind"}


def test_issue_and_renew(fleet):
    """The fields that need a CA: one certificate issued, one refused because its record is gone; its deploy actions."""
    p, ca, knot, names = fleet(2)
    doc = page()
    knot.nsupdate([f"del _validation-persist.{names[1]} TXT"])
    got = printed(p, "renew", rc=4)
    problem = {f for f in doc["any command that fails"] if "problem" in f}
    assert got - problem - {"error_kind", "hint"} == doc["renew"], got
    p.configure({**p.config, "defaults": {**p.config["defaults"], "deploy": [{"shell": "exit 0"}, {"shell": "exit 1"}]}})
    assert printed(p, "status") == doc["status"]
    assert printed(p, "deploy", "--dry-run") == doc["deploy --dry-run"]
    assert printed(p, "deploy", rc=4) - {"error_kind", "hint"} == doc["deploy"]
    assert printed(p, "account", "register", "--agree-tos") == doc["account register"] - {"resumed", "file", "dry_run"}
    secret = harness.write(os.path.join(p.folder, "pass"), "correct horse\n", 0o600)
    sealed = os.path.join(p.folder, "sealed")
    assert printed(p, "account", "export", "--out", sealed, "--passphrase-file", secret) == doc["account export"] - {"new", "resumed", "dry_run"}
    assert printed(p, "account", "import", sealed, "--passphrase-file", secret) == doc["account import"] - {"new", "resumed", "dry_run"}
    assert printed(p, "account", "deactivate", "--dry-run") == doc["account deactivate"] - {"new", "resumed", "file"}
    assert printed(p, "account", "rollover", "--dry-run") == doc["account rollover"] - {"new", "file"}
    assert printed(p, "account", "rollover") == doc["account rollover"] - {"new", "file", "dry_run"}
