"""
Agreement with Pebble: for each of many generated zones, what `check --dialect pebble` foretells is what Pebble answers to a challenge
for the same name over the same server. The generator's seed is fixed; AGREEMENT_SEED and AGREEMENT_ZONES in the environment try others.
"""
import os
import random
import threading
import time

import harness
import rawacme

SEED = int(os.environ.get("AGREEMENT_SEED", "20261122"))
ZONES = int(os.environ.get("AGREEMENT_ZONES", "400"))
PEBBLES = 3
ISSUERS = ["ca.test", "alt-ca.test"]
PARENT = "agree.test"


class Maker:
    """Records sets that are right, nearly right, and wrong in every way that readers differ about. All values are octets."""

    def __init__(self, rng):
        self.rng = rng

    def some(self, *weighted):
        """One of (weight, value)."""
        return self.rng.choices([v for _, v in weighted], [w for w, _ in weighted])[0]

    def space(self):
        return self.some((30, b""), (6, b" "), (1, b"  "), (0.25, b"\t"), (0.1, b"\r\n"), (0.1, b"\x0b"), (0.1, b"\xa0"))

    def issuer(self):
        return self.some((30, b"ca.test"), (6, b"alt-ca.test"), (2, b"other.example"), (1, b"CA.TEST"), (1, b"Ca.test"), (1, b"ca.test."),
                         (0.5, b""), (0.5, b"ca.test.."), (0.5, b"ca..test"), (0.5, b"ca.test other"), (0.5, b'"ca.test"'),
                         (0.5, b"ca\\.test"), (0.3, b"c\xc3\xa4.test"), (0.3, b"sub.ca.test"), (0.3, b"ca.test=x"), (0.3, b"-ca.test"))

    def account(self, url):
        return self.some((40, url), (2, url + b"/"), (2, url[:-1]), (1, url.upper()), (1, b"https://other.example/my-account/1"),
                         (1, b""), (1, b'"' + url + b'"'), (1, url + b"?a=b"), (0.5, url[:9] + b" " + url[9:]), (0.5, url + b"\x7f"),
                         (0.5, url + b"\xc3\xa9"), (0.5, url.replace(b"/", b"%2F")), (0.5, url + b"\\"), (0.3, b"\0" + url))

    def until(self):
        now = int(time.time())
        number = self.some((12, now + 86400 * 365), (6, now - 86400), (1, 2**53), (1, 2**63 - 1), (1, 2**63), (1, 0), (1, -1),
                           (1, 253402300799), (1, 2**63 - 1 - 62135596800), (1, 2**63 - 62135596800), (0.5, -2**63), (0.5, 10**30))
        text = str(number)
        return self.some((20, text), (1, "+" + text), (1, "00" + text), (1, ""), (1, "soon"), (1, text + "s"), (1, "0x7fffffff"),
                         (1, "1e12"), (1, text[:4] + " " + text[4:]), (1, text + ".0"), (1, "--1"), (1, "_1"), (1, "1_000_000_000_000"),
                         (1, "\u0663" * 12)).encode()

    def unknown(self):
        return self.some((5, [b"foo=bar"]), (2, [b"foo="]), (1, [b"foo"]), (1, [b"foo=bar", b"foo=bar"]), (1, [b"foo=1", b"FOO=2"]),
                         (1, [b"=x"]), (0.5, [b"="]), (1, [b"f_o=1"]), (1, [b"f o=1"]), (1, [b"foo=a b"]), (1, [b"a=b=c"]),
                         (1, [b"foo=\xff\x80"]), (1, [b"f\xc3\xb6=1"]), (1, [b'note="x"']), (1, [b"note=a\\b"]), (1, [b"foo=\x01"]),
                         (0.5, [b"-=1"]), (0.5, [b"persist-until=1"]))

    def parameters(self, url):
        """The parameters in any order and number."""
        rng = self.rng
        out = []
        for n in [self.some((40, 1), (1.5, 0), (1, 2))]:
            tag = self.some((20, b"accounturi"), (1, b"ACCOUNTURI"), (1, b"accountUri"), (0.3, b"account-uri"))
            out += [(tag, self.account(url)) for _ in range(n)]
        if rng.random() < 0.45:
            tag = self.some((12, b"policy"), (1, b"Policy"), (1, b"POLICY"))
            value = self.some((12, b"wildcard"), (1, b"WildCard"), (1, b"WILDCARD"), (1, b"other"), (1, b""), (0.5, b"wildcard,other"),
                              (0.5, b"*"), (0.5, b'"wildcard"'), (0.5, b"wildcards"))
            out += [(tag, value)] * self.some((20, 1), (1, 2))
        if rng.random() < 0.3:
            tag = self.some((12, b"persistUntil"), (1, b"persistuntil"), (1, b"PERSISTUNTIL"))
            out += [(tag, self.until()) for _ in range(self.some((15, 1), (1, 2)))]
        out = [t + self.space() + b"=" + self.space() + v for t, v in out]
        if rng.random() < 0.25:
            out += self.unknown()
        if rng.random() < 0.3:
            rng.shuffle(out)
        return out

    def value(self, url):
        """One record's octets."""
        parts = [self.issuer(), *self.parameters(url)]
        if self.rng.random() < 0.04:
            parts.insert(self.rng.randrange(len(parts) + 1), b"")
        out = b";".join(self.space() + p + self.space() for p in parts)
        return out + self.some((30, b""), (1, b";"), (0.5, b"; "), (0.5, b";;"), (0.3, b"\0"), (0.3, b"\n"))

    def strings(self, value):
        """Cut into character-strings: one, or several, empty ones among them."""
        cuts = sorted(self.rng.randrange(len(value) + 1) for _ in range(self.some((10, 0), (2, 1), (1, 3))))
        pieces = [value[a:b] for a, b in zip([0] + cuts, cuts + [len(value)])]
        return [p[i:i + 255] for p in pieces for i in range(0, len(p) or 1, 255)]

    def rrset(self, url):
        """RRs, each a list of strings."""
        values = [self.value(url) for _ in range(self.some((10, 1), (4, 2), (2, 3), (1, 5)))]
        if self.rng.random() < 0.1:
            values.append(self.some((1, b"v=spf1 -all"), (1, b""), (1, b"other.example;accounturi=https://other.example/1"),
                                    (1, b"other.example;;")))
        if self.rng.random() < 0.05:  # one record in two RRs
            at = self.rng.randrange(len(values[0]) + 1)
            values[:1] = [values[0][:at], values[0][at:]]
        return [self.strings(v) for v in values]


def presentation(octets):
    return '"' + "".join(chr(c) if chr(c).isalnum() and c < 128 else f"\\{c:03d}" for c in octets) + '"'


class Case:
    """A name, its records, and what to order."""

    def __init__(self, maker, number, account):
        self.zone = f"n{number:03d}.{PARENT}"
        self.wildcard = maker.rng.random() < 0.3
        self.hops = maker.some((12, 0), (1, 1), (1, 2), (0.5, 4))
        self.kind = maker.some((40, "records"), (1, "none"), (1, "nodata"), (0.5, "dangling"))
        self.rrset = maker.rrset(account.encode()) if self.kind == "records" else []
        self.lines = self._lines()

    def _lines(self):
        owner = "_validation-persist"
        chain = [owner] + [f"hop{i}" for i in range(self.hops)]
        lines = [f"{a} CNAME {b}" for a, b in zip(chain, chain[1:])]
        if self.kind == "nodata":
            lines += [f"{chain[-1]} A 192.0.2.1"]
        elif self.kind == "dangling":
            lines += [f"{chain[-1]} CNAME nothing"]
        return lines + [f"{chain[-1]} TXT " + " ".join(map(presentation, strings)) for strings in self.rrset]

    @property
    def name(self):
        return ("*." if self.wildcard else "") + self.zone


def pebble_says(client, name):
    """None when it accepts, else the last part of the error's type."""
    order = client.order([name])
    assert order.status == 201, (name, order)
    (url,) = order.json()["authorizations"]
    challenge = client.challenge(url)
    client.post(challenge["url"], {})
    end = time.monotonic() + 20
    while True:
        authz = client.post(url).json()
        if authz["status"] != "pending":
            break
        assert time.monotonic() < end, f"Pebble does not decide on {name}"
        time.sleep(0.004)
    if authz["status"] == "valid":
        return None
    (decided,) = authz["challenges"]
    return decided["error"]["type"].rpartition(":")[2]


def ask_pebbles(clients, cases):
    """Every Pebble works on its share, one order at a time: the answers in the order of the cases."""
    answers, errors = [None] * len(cases), []

    def work(i):
        try:
            for k in range(i, len(cases), len(clients)):
                answers[k] = pebble_says(clients[i], cases[k].name)
        except Exception as e:  # pylint: disable=broad-except
            errors.append(e)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(clients))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return answers


def perdure_says(stage, knot, pebbles, clients, cases):
    """None or the problem, for each case: one run of check for each Pebble's share."""
    answers = {}
    for i, (ca, client) in enumerate(zip(pebbles, clients)):
        entry = ca.config_entry(issuer=ISSUERS, level=1, account={"url": client.kid, "thumbprints": [client.key.thumbprint]})
        p = harness.Perdure(stage, {"cas": [entry], "dns": {"stubs": [knot.stub()]}})
        done = p.run("check", "--offline", "--dialect", "pebble", "--json", *(c.name for c in cases[i::PEBBLES]))
        assert done.rc == 5 and done.err == "", done
        answers |= {(a["name"], a["wildcard"]): a for a in done.lines()}
    assert len(answers) == len(cases)
    found = [answers[c.zone, c.wildcard] for c in cases]
    assert all((a["problem"] is None) is (a["verdict"] == "accepted") for a in found)
    return [a["problem"] for a in found]


def test_agreement_with_pebble(stage):
    port = harness.free_port()
    pebbles = [harness.Pebble(stage, f"127.0.0.1:{port}", issuers=ISSUERS, nonce_reject=0, authz_reuse=0, retry_after=0)
               for _ in range(PEBBLES)]
    clients = [rawacme.Client(p) for p in pebbles]
    for c in clients:
        assert c.register().status == 201
    maker = Maker(random.Random(SEED))
    cases = [Case(maker, i, clients[i % PEBBLES].kid) for i in range(ZONES)]
    knot = harness.Knot(stage, [c.zone for c in cases], parent=PARENT, records={c.zone: c.lines for c in cases}, port=port)
    ours = perdure_says(stage, knot, pebbles, clients, cases)
    theirs = ask_pebbles(clients, cases)
    for c in clients:
        c.close()
    differ = [f"{c.name}: perdure says {a}, Pebble {b}; {c.lines}" for c, a, b in zip(cases, ours, theirs) if a != b]
    assert not differ, f"seed {SEED}, {len(differ)} of {len(cases)}:\n" + "\n".join(differ[:20])
    for outcome in (None, "unauthorized", "malformed"):
        assert theirs.count(outcome) >= len(cases) // 8, f"the generator is lopsided: {outcome} {theirs.count(outcome)} times"
