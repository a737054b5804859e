"""
What the zones of the tree hold (dnstree.py has the servers and the table of names). Lines are zone file lines relative to the zone.
"""
ISSUER = "ca.test"
ACCOUNT = "https://ca.test/acct/1"
THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
GOOD = f"{ISSUER};accounturi={ACCOUNT};policy=wildcard"  # accepted for a name and its wildcard
PLAIN = f"{ISSUER};accounturi={ACCOUNT}"  # accepted for a name
WRONG = f"{ISSUER};accounturi=https://ca.test/acct/2"  # another account
OTHER = "other.example;accounturi=https://other.example/acct/7;policy=wildcard"  # another CA
TTL = 300
NEGATIVE_TTL = 60
HOPS = (1, 2, 9, 10, 11, 12)
LARGE = 40  # records of 200 octets and more

LABEL = "_validation-persist"


def txt(owner, *strings, ttl=""):
    """One TXT record; the strings in presentation form."""
    return f"{owner} {ttl} TXT " + " ".join(f'"{s}"' for s in strings)


def record(name, value=GOOD, **more):
    """The validation record of a name below the zone ("" for the zone itself)."""
    return txt(f"{LABEL}.{name}" if name else LABEL, value, **more)


def alias(name, target, ttl=""):
    return f"{LABEL}.{name} {ttl} CNAME {target}"


def records():
    """Record sets that are what they are, whoever serves them."""
    return [
        record(""), record("plain", PLAIN), record("wrong", WRONG), record("other", OTHER), record("both", OTHER), record("both"),
        record("expired", PLAIN + ";persistUntil=1700000000"), record("later", GOOD + ";persistUntil=4102444800"),
        record("malformed", f"{ISSUER};accounturi"), record("quoted", f'\\"{GOOD}\\"'),
        txt(f"{LABEL}.strings", GOOD[:20], GOOD[20:]),
        txt(f"{LABEL}.split", f"{ISSUER};accounturi="), txt(f"{LABEL}.split", ACCOUNT),
        record("control", PLAIN + "\\027[2J"),
        f"{LABEL}.nodata A 203.0.113.80", txt(f"x.{LABEL}.ent", "below"), f"bare A 203.0.113.80",
        record("large"), *(record("large", f"other{i}.example;accounturi=https://other.example/{i:0170d}") for i in range(LARGE)),
        *(record("medium", f"other{i}.example;accounturi=https://other.example/{i:0170d}") for i in range(5)),
        record("long", PLAIN + ";note=" + "x" * 160, ttl="86400"), record("nottl", PLAIN, ttl="0"),
    ]


def aliases(zone):
    """CNAMEs and DNAMEs, wildcards."""
    lines = []
    for n in HOPS:
        lines += [alias(f"hops{n}", f"h1.hops{n}")]
        lines += [f"h{i}.hops{n} CNAME h{i + 1}.hops{n}" for i in range(1, n)]
        lines += [txt(f"h{n}.hops{n}", GOOD)]
    return lines + [
        alias("loop", "l1.loop"), "l1.loop CNAME l2.loop", "l2.loop CNAME l1.loop", alias("self", f"{LABEL}.self"),
        alias("dangling", "nothing.dangling"), alias("gone", f"{LABEL}.no-such-zone.alpha."),
        alias("away", "shared.targets.beta."), alias("awaydead", "shared.dead.beta."), alias("awaybogus", f"{LABEL}.bogus.alpha."),
        alias("nobody", f"{LABEL}.nodata"), alias("slow", "slow.targets.beta.", ttl="172800"),
        "dname DNAME dnamed", record("dnamed"), record("x.dnamed"),
        txt("*.wild", GOOD), txt("*.wild", OTHER), "*.wildalias CNAME shared.targets.beta.",
        "*.apps A 203.0.113.80", "own.apps A 203.0.113.81", record("own.apps"),
    ]


def delegations():
    """Zones below the zone: sub is one, occluded hides what the parent has below the cut."""
    return ["sub NS knot.hosting.beta.", "sub NS bind.hosting.beta.",
            "occluded NS knot.hosting.beta.", "occluded NS bind.hosting.beta.", record("occluded"),
            "lost NS refusing.hosting.beta."]


def caa():
    """CAA: each at a name with a good record."""
    sets = {
        "caa-ok": [f'issue "{ISSUER}"'],
        "caa-method": [f'issue "{ISSUER}; validationmethods=dns-01,dns-persist-01"'],
        "caa-othermethod": [f'issue "{ISSUER}; validationmethods=dns-01"'],
        "caa-account": [f'issue "{ISSUER}; accounturi={ACCOUNT}"'],
        "caa-otheraccount": [f'issue "{ISSUER}; accounturi=https://ca.test/acct/2"'],
        "caa-hash": [f'issue "{ISSUER}; accounturi=https://ca.test/hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"'],
        "caa-other": ['issue "other.example"'],
        "caa-none": ['issue ";"'],
        "caa-wildother": [f'issue "{ISSUER}"', 'issuewild "other.example"'],
        "caa-wildonly": [f'issuewild "{ISSUER}"'],
        "caa-iodef": ['iodef "mailto:security@example.test"'],
        "caa-two": ['issue "other.example"', f'issue "{ISSUER}"'],
    }
    lines = [f"{name} CAA 0 {value}" for name, values in sets.items() for value in values]
    lines += ['caa-critical CAA 128 unheardof "x"', f'caa-critical CAA 0 issue "{ISSUER}"', "caa-alias CNAME caa-other"]
    names = [*sets, "caa-critical", "caa-alias", "below.caa-other", "below.caa-ok"]
    return lines + [record(n) for n in names]


def delegated_challenges():
    """_acme-challenge as a standing CNAME."""
    return [
        "_acme-challenge.to-one CNAME one.targets.beta.", "_acme-challenge.to-two CNAME two.targets.beta.",
        "_acme-challenge.to-nothing CNAME nothing.targets.beta.", "_acme-challenge.to-dead CNAME one.dead.beta.",
        "_acme-challenge.to-nozone CNAME one.no-such-zone.alpha.", txt("_acme-challenge.to-text", "left"),
        "_acme-challenge.to-stale 172800 CNAME stale.targets.beta.", "_acme-challenge.to-lame CNAME one.lame.beta.",
    ]


def shapes(zone):
    """Everything that does not depend on who serves it."""
    return records() + aliases(zone) + delegations() + caa() + delegated_challenges()


TARGETS = [txt("shared", GOOD), txt("slow", GOOD, ttl="86400"), txt("one", "token"), "two CNAME one", txt("stale", "token", ttl="86400")]
