"""Validated answers, asked through validate_tool in the DNS tree: real servers, real signatures, and libunbound."""
import json
import os
import shutil
import subprocess

import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset
import pytest

import harness
from dnstree import over_tcp
from dnstree_zones import GOOD, LABEL, WRONG

SHIPPED = "/usr/share/dns"


def mounted(what, where):
    """The command in front of another that then sees the file or folder `what` at `where`. Skips where there can be no such thing."""
    def can():
        return not subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode

    if not os.path.exists(where) or not shutil.which("unshare") or not can():
        pytest.skip(f"NO TEST WITH ANOTHER {where}: it is missing, or there can be no mount namespace here")
    return ["unshare", "-m", "sh", "-c", f'mount --bind {what} {where} && exec "$0" "$@"']


class Tool:
    """validate_tool in the namespace of the tree."""

    def __init__(self, tree):
        self.tree = tree
        self.program = os.path.join(os.path.dirname(harness.perdure_path()), "tests", "integration", "validate_tool")

    def lines(self, *args, names=(), before=(), root=True):
        """What is said, line by line. before: a command in front; root: ask from the root of the tree with its key."""
        args = (["--hint", self.tree.hints[0], "--anchor", self.tree.anchor_file] if root else []) + list(args)
        with self.tree.inside():
            r = subprocess.run([*before, self.program, *args, *(f"{LABEL}.{n}" for n in names)], capture_output=True, text=True,
                               timeout=60, check=False)
        assert r.returncode == 0 and not r.stderr, r.stderr
        return [json.loads(line) for line in r.stdout.splitlines()]

    def __call__(self, *args, **more):
        """name -> what is said of its record."""
        return {s["owner"][len(LABEL) + 1:]: s for s in self.lines(*args, **more)}

    def one(self, name, *args, **more):
        return self(*args, names=[name], **more)[name]


@pytest.fixture(scope="module")
def tool(dnstree):
    return Tool(dnstree)


# name -> security, rcode, records, a word of why
SEEN = {
    "shapes.alpha": ("secure", "NOERROR", 1, ""), "shapes.beta": ("insecure", "NOERROR", 1, ""),
    "large.shapes.alpha": ("secure", "NOERROR", 41, ""), "x.wild.shapes.alpha": ("secure", "NOERROR", 2, ""),
    "ent.shapes.alpha": ("secure", "NOERROR", 0, ""), "none.shapes.alpha": ("secure", "NXDOMAIN", 0, ""),
    "hops9.shapes.alpha": ("secure", "NOERROR", 1, ""), "loop.shapes.alpha": ("unresolved", "SERVFAIL", 0, "SERVFAIL"),
    "away.shapes.alpha": ("insecure", "NOERROR", 1, ""), "nsec3.alpha": ("secure", "NOERROR", 1, ""),
    "island.alpha": ("insecure", "NOERROR", 1, ""), "unsigned.alpha": ("insecure", "NOERROR", 1, ""),
    "bogus.alpha": ("bogus", "NOERROR", 1, "signature "), "plain.bogus.alpha": ("secure", "NOERROR", 1, ""),
    "expired.alpha": ("bogus", "NOERROR", 1, "expired"), "nosig.alpha": ("bogus", "NOERROR", 1, "no signatures"),
    "dsmismatch.alpha": ("bogus", "NOERROR", 1, "DS"), "awaybogus.shapes.beta": ("bogus", "NOERROR", None, "validation failure"),
    "lame.beta": ("unresolved", "SERVFAIL", 0, "SERVFAIL"), "gone.alpha": ("secure", "NXDOMAIN", 0, ""),
}


def test_what_is_secure_insecure_bogus_and_why(tool):
    said = tool(names=SEEN)
    for name, (security, rcode, records, why) in SEEN.items():
        s = said[name]
        assert (s["security"], s["rcode"]) == (security, rcode), s
        assert records is None or len(s["rr"]) == records, s
        assert (why in s["why"]) if why else not s["why"], s
        assert bool(s["hint"]) == (security == "bogus"), s
    assert said["shapes.alpha"]["rr"] == [f'"{GOOD}"']
    assert len(said["hops9.shapes.alpha"]["chain"]) == 9


def test_promptly_it_is_the_same(tool):
    plain, prompt = tool(names=SEEN), tool("--prompt", names=SEEN)
    assert {n: (s["security"], s["rcode"]) for n, s in prompt.items()} == {n: (s["security"], s["rcode"]) for n, s in plain.items()}


def test_servers_whose_ipv6_addresses_cannot_be_reached(tool):
    """Each process begins without knowing whether there is IPv6, and libunbound would give up after some tries."""
    hints = [x for i in range(12) for x in ("--hint", f"2001:db8:53::{0x90 + i:x}")]
    for _ in range(24):
        assert tool.one("shapes.alpha", *hints)["security"] == "secure"


def test_a_name_whose_servers_are_silent_ends_at_the_deadline(tool):
    s = tool.one("dead.beta", "--deadline", "700")
    assert (s["security"], s["why"]) == ("unresolved", "no answer within 1 s")


def test_when_nobody_at_all_answers_names_do_not_wait_one_after_the_other(tool):
    names = [f"n{i}.example" for i in range(200)]  # more than are in work at a time
    said = tool("--hint", tool.tree.addresses["dead"], "--anchor", tool.tree.anchor_file, "--deadline", "500", names=names, root=False)
    assert len(said) == 200 and all(s["security"] == "unresolved" for s in said.values())
    assert sum("within" in s["why"] for s in said.values()) <= 64


def test_questions_are_given_up(tool):
    said = tool("--cancel", "--deadline", "3000", names=["dead.beta", "shapes.alpha", "lame.beta", "shapes.beta"])
    assert {n: s["security"] for n, s in said.items()} == {"shapes.alpha": "secure", "shapes.beta": "insecure"}


def test_the_program_ends_with_questions_under_way(tool):
    names = [f"n{i}.{zone}" for i in range(100) for zone in ("dead.beta", "lame.beta", "shapes.alpha")]
    said = tool("--leave", names=names)
    assert len(said) < len(names) and not any(n.endswith("dead.beta") for n in said)


@pytest.mark.parametrize("args, why, hint", [
    (["--off"], "dns.validate is false", ""),
    (["--none"], "dns.mode is none", ""),
    (["--stub", "shapes.alpha", "203.0.113.1", "53"], "stub zone shapes.alpha", "dns.trust_anchor"),
    (["--anchor", "/nowhere/root.key"], "/nowhere/root.key", "dns.trust_anchor"),
])
def test_what_is_not_validated_says_why(tool, args, why, hint):
    s = tool.one("shapes.alpha", *args, root=False)
    assert s["security"] == "not validated" and why in s["why"], s
    assert hint in s["hint"] if hint else not s["hint"]


def test_a_trust_anchor_counts_for_its_names_only(tool, stage):
    keys = harness.read(tool.tree.anchor_file).split(None, 1)[1]
    other = harness.write(os.path.join(stage.folder("keys"), "other.key"), f"; not the root's\nshapes.beta. {keys}")
    s = tool.one("shapes.alpha", "--hint", tool.tree.hints[0], "--anchor", other, root=False)
    assert s["security"] == "not validated" and "no key for it" in s["why"]
    assert tool.one("shapes.beta", "--hint", tool.tree.hints[0], "--anchor", other, root=False)["security"] == "bogus"
    damaged = harness.write(os.path.join(stage.folder("damaged"), "damaged.key"), ". IN DS 1 99 2 what-is-this\n")
    s = tool.one("shapes.alpha", "--hint", tool.tree.hints[0], "--anchor", damaged, root=False)
    assert s["security"] == "unresolved" and "trust anchor" in s["hint"]


def test_a_stub_zone_is_validated_with_a_trust_anchor(tool):
    stub = ["--stub", "shapes.alpha", tool.tree.addresses["knot"], "53"]
    assert tool.one("shapes.alpha", *stub)["security"] == "secure"


def test_keys_out_of_reach_are_no_proof(tool, stage):
    """libunbound calls an answer bogus also when it could not fetch the keys; that is not the zone's fault, and no CA's verdict."""
    a = tool.tree.addresses
    stub = ["--stub", "shapes.alpha", a["knot"], "53", "--stub", "bogus.alpha", a["knot"], "53"]
    names = ["shapes.alpha", "bogus.alpha"]
    said = tool("--hint", a["far"], "--anchor", tool.tree.anchor_file, *stub, names=names, root=False)
    for name in names:
        s = said[name]
        assert s["security"] == "unresolved" and "no server of the root zone could be asked for its keys" in s["why"], s
        assert "dns.trust_anchor" in s["hint"]
    assert {n: s["security"] for n, s in tool(*stub, names=names).items()} == {"shapes.alpha": "secure", "bogus.alpha": "bogus"}
    # The key of the zone itself needs no root.
    with tool.tree.inside():
        r = dns.query.udp(dns.message.make_query("shapes.alpha", "DNSKEY"), a["knot"], timeout=5)
    key = next(s for s in r.answer if s.rdtype == dns.rdatatype.DNSKEY).to_text()
    own = harness.write(os.path.join(stage.folder("own"), "own.key"), key + "\n")
    assert tool.one("shapes.alpha", "--hint", a["far"], "--anchor", own, *stub, root=False)["security"] == "secure"


def test_giving_up_while_the_keys_are_asked_for(tool):
    """The keys of a silent root, after the answer: cancelled, and left at the program's end."""
    a = tool.tree.addresses
    args = ["--hint", a["far"], "--anchor", tool.tree.anchor_file, "--stub", "shapes.alpha", a["knot"], "53"]
    names = [f"n{i}.shapes.alpha" for i in range(20)]
    assert len(tool(*args, "--cancel", names=names, root=False)) >= 10
    tool(*args, "--leave", names=names, root=False)


def liar(said):
    """A resolver that answers every TXT question alike, and has no signatures for anything."""
    def udp(q, _wire):
        r = dns.message.make_response(q)
        r.flags |= dns.flags.RA
        if q.question[0].rdtype == dns.rdatatype.TXT:
            r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "TXT", f'"{said}"'))
        return [r.to_wire()]

    return udp


def test_through_resolvers(tool):
    tree = tool.tree
    for resolver in (tree.resolver, tree.plain_resolver):
        args = ["--resolver", resolver, "--anchor", tree.anchor_file]
        want = {"shapes.alpha": "secure", "shapes.beta": "insecure", "bogus.alpha": "bogus"}
        assert {n: s["security"] for n, s in tool(*args, names=want, root=False).items()} == want
    double = tree.port53("203.0.113.71", liar(WRONG), over_tcp(liar(WRONG)))
    try:
        s = tool.one("shapes.alpha", "--resolver", "203.0.113.71", "--anchor", tree.anchor_file, root=False)
        assert s["security"] == "bogus" and "dns.resolvers" in s["hint"], s
    finally:
        double.close()


class Shipped:
    """The keys of the tree's root in place of those of the distribution, for one command."""

    def __init__(self, tree, folder):
        self.folder = folder
        self.put(harness.read(tree.anchor_file))

    def put(self, text):
        harness.write(os.path.join(self.folder, "root.key"), text)

    def before(self):
        return mounted(self.folder, SHIPPED)


def test_the_shipped_keys_are_copied_and_kept_up_to_date(tool, stage):
    shipped = Shipped(tool.tree, stage.folder("shipped"))
    state = stage.folder("state")
    copy = os.path.join(state, "dnssec", "root.key")
    args = ["--hint", tool.tree.hints[0], "--state", state]

    def secure():
        return tool.one("shapes.alpha", *args, root=False, before=shipped.before())["security"]

    def kept_up():  # what libunbound writes by RFC 5011; on a busy machine the process that does it is ended before it could
        harness.wait_until("the copy to be kept up to date", 20, lambda: secure() == "secure" and ";;state=2" in harness.read(copy))
        return True

    assert secure() == "secure"
    assert kept_up()
    before = harness.read(copy)
    assert secure() == "secure" and harness.read(copy) == before  # not every time
    # Damage, and keys that were shipped anew, begin it anew.
    harness.write(copy, "what is this\n")
    assert kept_up()
    shipped.put("; shipped again\n" + harness.read(tool.tree.anchor_file))
    assert kept_up()
    assert harness.read(os.path.join(state, "dnssec", "shipped.key")).startswith("; shipped again")
    # Keys that RFC 5011 has not accepted yet, or no longer accepts, are not trusted.
    harness.write(copy, "\n".join(line.replace(";;state=2", ";;state=4") for line in harness.read(copy).splitlines()) + "\n")
    assert secure() == "secure" and ";;state=4" not in harness.read(copy)


def test_without_a_place_for_a_copy_the_shipped_keys_are_used_as_they_are(tool, stage):
    shipped = Shipped(tool.tree, stage.folder("shipped"))
    for state in ([], ["--state", os.path.join(stage.folder("none"), "missing")]):
        s = tool.one("shapes.alpha", "--hint", tool.tree.hints[0], *state, root=False, before=shipped.before())
        assert s["security"] == "secure"
    os.unlink(os.path.join(shipped.folder, "root.key"))
    s = tool.one("shapes.alpha", "--hint", tool.tree.hints[0], root=False, before=shipped.before())
    assert s["security"] == "not validated" and "apt install dns-root-data" in s["hint"]
