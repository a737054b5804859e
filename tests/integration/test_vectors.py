"""
tests/vectors/vectors.json against libperdure, through `perdure record judge` and through tests/vectors/persist_tool (the same stream
reader, and the functions that no command shows). Level 02 has an oracle of its own here: a few lines of hashlib.

State vectors, by whose duty they describe:
  the verdict (tested below)     S10 old key after a rollover, S12 deactivation, S17's and S16's TXT side
  a CA's authorization states    S01 S02 S03 S04 S07 S08 S09 (reuse and lifetime of authorizations), S13 (prefix migration), S18 (MPIC),
                                 S19 (rate limits): nothing a client computes
  the client's network code      S14 (proof before delegated publication): not part of this pure library
  CAA                            S15 S16 S17: CAA is looked at apart from this record
"""
import base64
import hashlib
import json
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PERDURE = os.path.abspath(os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure"))
TOOL = os.path.join(os.path.dirname(PERDURE), "tests/vectors/persist_tool")
DIALECTS = ["boulder", "pebble", "acme2certifier", "ucm", "adcs"]

with open(os.path.join(ROOT, "tests/vectors/vectors.json"), encoding="utf-8") as f:
    VECTORS = json.load(f)

ACCOUNT = "https://ca.example/acct/123"
PREFIX = "https://ca.example/account-hash/"
KEY = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def commands():
    yield "tool", lambda dialect: [TOOL, "judge", dialect]
    if os.path.exists(PERDURE):
        yield "program", lambda dialect: [PERDURE, "record", "judge", "--dialect", dialect]


COMMANDS = dict(commands())


@pytest.fixture(params=COMMANDS)
def judge(request):
    """judge(lines of text, dialect) -> (exit status, answers)"""
    def run(lines, dialect="draft"):
        text = "".join(line + "\n" for line in lines)
        p = subprocess.run(COMMANDS[request.param](dialect), input=text.encode(), capture_output=True, timeout=60)
        return p.returncode, [json.loads(line) for line in p.stdout.decode().splitlines()]
    return run


def tool(*fields):
    """One request to the tool: the fields of its answer."""
    line = "\t".join("-" if f is None else f for f in fields) + "\n"
    p = subprocess.run([TOOL], input=line.encode(), capture_output=True, check=True, timeout=60)
    return p.stdout.decode().rstrip("\n").split("\t")


def b64url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def oracle(domain, key, url, alg="sha-256"):
    """Section 4.1(3), independently."""
    name = {"sha-256": "sha256", "sha-512": "sha512"}[alg]
    return b64url(hashlib.new(name, bytes([len(domain)]) + domain.encode() + key.encode() + url.encode()).digest())


def answer(a):
    return "valid" if a["verdict"] == "valid" else a["problem"]


def test_counts():
    for name, n in VECTORS["meta"]["counts"].items():
        assert len(VECTORS[name]) == n


def test_the_text(judge):
    status, answers = judge([json.dumps(v) for v in VECTORS["vectors"]])
    assert status == 0
    assert len(answers) == len(VECTORS["vectors"])
    for v, a in zip(VECTORS["vectors"], answers):
        assert a["id"] == v["id"]
        assert set(a) == {"id", "verdict", "problem", "reason", "fix"}
        assert a["reason"]
        if not v.get("ambiguous"):
            assert (a["verdict"], a["problem"]) == (v["expect"], v["problem"]), v["why"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_implementations(judge, dialect):
    cases = [v for v in VECTORS["vectors"] if dialect in v.get("implementations", {})]
    assert len(cases) > 50
    status, answers = judge([json.dumps(v) for v in cases], dialect)
    assert status == 0
    for v, a in zip(cases, answers):
        assert answer(a) == v["implementations"][dialect], v["id"]


@pytest.mark.parametrize("dialect", ["boulder", "pebble"])
def test_octets_that_arrive_escaped(judge, dialect):
    """The running servers, where the vectors name no answer: TAB fails, octets above 0x7E pass."""
    cases = {v["id"]: v for v in VECTORS["vectors"] if v["id"] in ("B02-01", "B15-01")}
    _, answers = judge([json.dumps(cases["B02-01"]), json.dumps(cases["B15-01"])], dialect)
    assert [answer(a) for a in answers] == ["unauthorized", "valid"]


def test_fixes_are_accepted(judge):
    """What `fix` says to publish turns every refusal but a deactivated account's into a valid verdict, by the text."""
    refused = [v for v in VECTORS["vectors"] if v["expect"] == "invalid"]
    _, answers = judge([json.dumps(v) for v in refused])
    again = []
    for v, a in zip(refused, answers):
        if v.get("account_status", "valid") != "valid":
            assert a["fix"] is None
            continue
        owner, ttl, cls, rtype, rdata = a["fix"].split(" ", 4)
        assert (cls, rtype) == ("IN", "TXT") and int(ttl) > 0
        fqdn = owner.removeprefix("_validation-persist.").rstrip(".")
        strings = [s.strip('"') for s in rdata.split('" "')]
        again.append(json.dumps({**v, "txt": v["txt"] + [strings], "validated_fqdn": fqdn}))
    _, answers = judge(again)
    assert len(answers) > 50
    assert all(a["verdict"] == "valid" for a in answers)


def test_state_of_keys_and_account(judge):
    """S10, S12."""
    v = next(v for v in VECTORS["vectors"] if v["id"] == "F05-02")
    _, answers = judge([json.dumps(v), json.dumps({**v, "account_status": "deactivated"})])
    assert [answer(a) for a in answers] == ["valid", "unauthorized"]


def test_bad_lines_do_not_stop_the_others(judge):
    good = VECTORS["vectors"][0]
    lines = [
        json.dumps(good),
        '{"id": "x", ',
        "",
        "[]",
        "not json",
        json.dumps({k: v for k, v in good.items() if k != "txt"}),
        json.dumps({**good, "txt": [["\u0100"]]}),
        json.dumps({**good, "txt": ["flat"]}),
        json.dumps({**good, "identifier": "192.0.2.1"}),
        json.dumps({**good, "draft": "03"}),
        json.dumps({**good, "draft": "02"}),
        json.dumps({**good, "issuer_domain_names": []}),
        json.dumps({**good, "now": "late"}),
        '{"id": 7, "id": 8}',
        json.dumps({**good, "id": 12, "txt": [["a\x00b"]]}),
        json.dumps({**good, "filler": "x" * (1 << 20)}),
        json.dumps(good),
    ]
    status, answers = judge(lines)
    assert status == 1
    assert len(answers) == len(lines) - 1
    by_line = dict(zip([i for i in range(1, len(lines) + 1) if i != 3], answers))
    for n, a in by_line.items():
        if n in (1, 15, 17):
            assert a["verdict"] in ("valid", "invalid")
        else:
            assert a["error"].startswith(f"line {n}, column "), a
    assert "column 12" in by_line[2]["error"] or "column 13" in by_line[2]["error"]
    assert by_line[15]["id"] == 12
    assert by_line[6]["id"] == good["id"] and "txt" in by_line[6]["error"]


def test_last_line_without_end_and_no_line_at_all():
    p = subprocess.run([TOOL, "judge", "draft"], input=json.dumps(VECTORS["vectors"][0]).encode(), capture_output=True, timeout=60)
    assert p.returncode == 0 and json.loads(p.stdout)["verdict"] == "valid"
    p = subprocess.run([TOOL, "judge", "draft"], input=b"", capture_output=True, timeout=60)
    assert (p.returncode, p.stdout) == (0, b"")


def test_unknown_dialect():
    p = subprocess.run([TOOL, "judge", "certbot"], input=b"", capture_output=True, timeout=60)
    assert p.returncode == 1 and b"boulder" in p.stderr


def test_constant_memory():
    """Ten times the lines, the same memory (of the build without sanitizers, which keep freed memory back)."""
    tool = os.path.join(os.path.dirname(os.environ.get("PERDURE_PLAIN_BIN") or PERDURE), "tests/vectors/persist_tool")
    with open(tool, "rb") as program:
        if b"__asan_init" in program.read():
            pytest.skip("AddressSanitizer keeps freed memory")
    line = (json.dumps(VECTORS["vectors"][2]) + "\n").encode()

    def peak(n):
        r, w = os.pipe()
        child = subprocess.Popen([tool, "judge", "draft"], stdin=r, stdout=subprocess.DEVNULL)
        os.close(r)
        for _ in range(n):
            os.write(w, line)
        with open(f"/proc/{child.pid}/status", encoding="ascii") as s:
            kib = next(int(x.split()[1]) for x in s if x.startswith("VmHWM"))
        os.close(w)
        assert child.wait() == 0
        return kib

    few, many = peak(500), peak(5000)
    assert many < few + 1024


@pytest.mark.parametrize("v", VECTORS["hash_vectors"], ids=lambda v: v["id"])
def test_hash(v):
    assert oracle(v["domain_name"], v["key"], v["account_url"], v["hash_alg"]) == v["digest_b64u"]
    assert len(v["domain_name"]) == int(v["length_of_domain"], 16)
    assert tool("hash", v["hash_alg"], v["domain_name"], v["key"], v["account_url"]) == [v["digest_b64u"]]
    assert tool("uri", v["hash_alg"], PREFIX, v["domain_name"], v["key"], v["account_url"]) == [v["accounturi"]]


@pytest.mark.parametrize("v", VECTORS["jwk_vectors"], ids=lambda v: v["id"])
def test_thumbprints_of_the_vectors(v):
    """The thumbprints other vectors use are those of their keys; the library takes them as they are."""
    members = {"RSA": ["e", "kty", "n"], "EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"]}[v["jwk"]["kty"]]
    text = json.dumps({m: v["jwk"][m] for m in members}, separators=(",", ":"), sort_keys=True)
    assert b64url(hashlib.sha256(text.encode()).digest()) == v["thumbprint"]
    assert tool("hash", "sha-256", "*", v["thumbprint"], ACCOUNT) == [oracle("*", v["thumbprint"], ACCOUNT)]


def test_oracle_over_many_names():
    for i in range(40):
        domain = f"{'x' * (i + 1)}.example{i}.com"
        assert tool("hash", "sha-256", domain, KEY, ACCOUNT + str(i)) == [oracle(domain, KEY, ACCOUNT + str(i))]


@pytest.mark.parametrize("v", VECTORS["build_vectors"], ids=lambda v: v["id"])
def test_build(v):
    got = tool("build", v["draft"], v["domain"], v["issuer"], ACCOUNT, KEY, v.get("account_hash_prefix", PREFIX), None,
               "1" if v.get("hash_domain") == "*" else "0", "1" if v["policy"] == "wildcard" else "0", v["persistUntil"])
    owner, value, strings = got[0], got[1], got[2:]
    assert owner + "." == v["owner"]
    assert tool("read", value) == tool("read", "".join(v["strings"]))
    # perdure's own spelling: no white space, cut at 255 octets and nowhere else.
    assert value == "".join(v["strings"]).replace("; ", ";")
    assert strings == [value[i:i + 255] for i in range(0, len(value), 255)]


@pytest.mark.parametrize("v", VECTORS["client_vectors"], ids=lambda v: v["id"])
def test_client(v):
    meta, challenge = v.get("meta", {}), v.get("challenge", {})

    def names(x):
        return None if x is None else " ".join(x)

    answer_, level, preprovision, reason = tool(
        "offer", v.get("identifier_type"), meta.get("accountHashPrefix"), names(meta.get("issuerDomainNames")),
        names(meta.get("caaIdentities")), names(challenge.get("issuerDomainNames")), names(challenge.get("issuer-domain-names")),
        challenge.get("accounturi"), v.get("account_url"))
    expect = {"treat-as-00": ("accept", "00"), "level-02": ("accept", "02"), "reject-or-confirm": ("confirm", "01"),
              "not-applicable": ("not-applicable", None)}.get(v["expect"], (v["expect"], v["draft"]))
    assert answer_ == expect[0], reason
    assert expect[1] is None or level == expect[1]
    assert (reason == "") == (answer_ == "accept")
    if v["id"] == "K09":
        assert preprovision == "0"
    if v["id"] == "K01":
        assert preprovision == "1"
