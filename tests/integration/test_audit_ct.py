"""`perdure audit --ct`: certificates in the logs against those that perdure has ordered from a real CA."""
import datetime
import json
import os

import pytest
from cryptography import x509

import harness
from e2e import Fleet

RULES = ("PD811", "PD812", "PD813", "PD814")


def crtsh(path, **change):
    """A certificate file as crt.sh shows it."""
    with open(path, "rb") as f:
        c = x509.load_pem_x509_certificate(f.read())
    names = c.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    # The state directory's times; crt.sh leaves the zone out.
    return {"issuer_ca_id": 1, "issuer_name": c.issuer.rfc4514_string(), "common_name": names[0], "name_value": "\n".join(names),
            "id": 42, "entry_timestamp": "2026-11-07T16:46:43.456", "not_before": c.not_valid_before.isoformat(),
            "not_after": c.not_valid_after.isoformat(), "serial_number": f"{c.serial_number:034x}", **change}


@pytest.fixture(scope="module")
def world():
    with harness.Stage() as stage:
        f = Fleet(stage, 2)
        f.p.run("renew").ok()
        f.p.run("issue", f.names[0], "--force").ok()  # its first generation is in archive/ only
        yield f


def audit(f, entries, *args):
    """The findings about the logs, and the exit status."""
    path = harness.write(os.path.join(f.p.folder, "ct.json"), json.dumps(entries))
    done = f.p.run("audit", "--look", "txt", "--json", "--ct", path, *args)
    return [x for x in done.lines()[:-1] if x["rule"] in RULES], done.rc


def certificates(f):
    """All generations, those of the first name first."""
    archive = os.path.join(f.p.state_dir, "archive")
    return sorted(os.path.join(folder, "cert.pem") for folder, _, files in os.walk(archive) if "cert.pem" in files)


def test_all_that_was_ordered_is_known(world):
    paths = certificates(world)
    assert len(paths) == 3
    found, rc = audit(world, [crtsh(p) for p in paths] * 2)
    assert (found, rc) == ([], 0)


def test_what_was_not_ordered(world):
    ours = crtsh(certificates(world)[0])
    name = world.names[1]
    strange = {**ours, "serial_number": "00ABCDEF", "name_value": f"*.{name}", "common_name": f"*.{name}"}
    found, rc = audit(world, [ours, strange])
    assert rc == 5 and [(x["rule"], x["name"]) for x in found] == [("PD811", name)], found
    assert "serial number abcdef" in found[0]["evidence"] and "log entry 42" in found[0]["evidence"]
    # The same in the form of other monitors, and known from another host.
    line = {"names": [f"*.{name}"], "issuer": ours["issuer_name"], "serial": "AB:CD:EF"}
    path = harness.write(os.path.join(world.p.folder, "ct.jsonl"), json.dumps(line) + "\n")
    known = harness.write(os.path.join(world.p.folder, "known"), '{"event":"issued","serial":"abcdef"}\n')
    done = world.p.run("audit", "--look", "txt", "--json", "--ct", path)
    assert [x["rule"] for x in done.lines()[:-1] if x["rule"] == "PD811"] == ["PD811"]
    done = world.p.run("audit", "--look", "txt", "--json", "--ct", path, "--ct-known", known)
    assert [x["rule"] for x in done.lines()[:-1] if x["rule"] == "PD811"] == []


def test_who_may_issue(world):
    ours = [crtsh(p) for p in certificates(world)]
    strange = {**ours[0], "serial_number": "1", "issuer_name": "C=XX, O=Another CA, CN=A1"}

    def told(*args):
        return [x["rule"] for x in audit(world, ours + [strange], *args)[0]]

    assert told("--allow-ct-issuer", "Another CA") == ["PD811"] and told("--allow-ct-issuer", "Some CA") == ["PD812"]
    before = world.p.config
    world.change(audit={"ct_issuers": ["Some CA", "A1"]})
    assert told() == ["PD811"]
    world.p.configure(before)


def test_before_the_account(world):
    ours = crtsh(certificates(world)[0])
    early = {**ours, "serial_number": "2", "not_before": "2020-01-01T00:00:00", "not_after": "2099-01-01T00:00:00"}
    ended = {**early, "serial_number": "3", "not_after": "2020-03-01T00:00:00"}
    found, rc = audit(world, [early, ended])
    assert [x["rule"] for x in found if x["name"] == world.names[0]] == ["PD813"] and rc == 0, found


def test_nothing_logged(world):
    found, rc = audit(world, [])
    assert rc == 0 and [x["rule"] for x in found] == []  # an empty file says nothing of any name
    other = {"names": ["far.test"], "issuer": "O=x", "serial": "9"}
    found, rc = audit(world, [other])
    assert rc == 0 and {x["rule"] for x in found} == {"PD814"} and {x["name"] for x in found} == set(world.names)


@pytest.mark.parametrize("text, words", [("[{}]", "entry 1"), ("nonsense", "line 1"), ('[{"serial_number":"x"}]', "name_value")])
def test_files_that_are_none(world, text, words):
    path = harness.write(os.path.join(world.p.folder, "bad"), text)
    done = world.p.run("audit", "--look", "txt", "--ct", path)
    assert done.rc == 1 and words in done.err and path in done.err and "crt.sh" in done.err, done
    assert world.p.run("audit", "--ct-known", path).rc == 2
