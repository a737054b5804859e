"""
What the Terraform providers take for a DNS record, for tests without the providers themselves: their registry is not one that can be reached where
the tests run. Taken from the providers' documentation and from the bindings generated from their schemas: cloudflare 4.52 and 5.14, aws 6, google 6,
azurerm 4, digitalocean 2, hcloud 1.56. A new release that takes something else is not noticed here.
"""
import re

TEXT, NUMBER, FLAG, TEXTS = "a string", "a number", "true or false", "a list of strings"


class Block(dict):
    """Nested blocks: name { … }"""


class Object(dict):
    """An attribute that is an object: name = { … }"""


class Objects(dict):
    """An attribute that is a list of objects."""


CAA_TEXT = {"flags": TEXT, "tag": TEXT, "value": TEXT}
CAA_NUMBER = {"flags": NUMBER, "tag": TEXT, "value": TEXT}
AZURE = {"name": TEXT, "resource_group_name": TEXT, "zone_name": TEXT, "ttl": NUMBER}

# type -> (required, optional as far as it is of any use for TXT, CNAME and CAA, form of the import id or None when it is the provider's own)
RESOURCES = {
    "cloudflare_dns_record": ({"name": TEXT, "ttl": NUMBER, "type": TEXT, "zone_id": TEXT},
                              {"comment": TEXT, "content": TEXT, "data": Object(CAA_NUMBER), "proxied": FLAG, "tags": TEXTS}, None),
    "cloudflare_record": ({"name": TEXT, "type": TEXT, "zone_id": TEXT},
                          {"comment": TEXT, "content": TEXT, "data": Block(CAA_TEXT), "proxied": FLAG, "tags": TEXTS, "ttl": NUMBER}, None),
    "aws_route53_record": ({"name": TEXT, "type": TEXT, "zone_id": TEXT},
                           {"allow_overwrite": FLAG, "records": TEXTS, "ttl": NUMBER}, r"\$\{var\.\w+\[\"[^\"]+\"\]\}_[^/]+_(TXT|CNAME|CAA)"),
    "google_dns_record_set": ({"managed_zone": TEXT, "name": TEXT, "type": TEXT},
                              {"project": TEXT, "rrdatas": TEXTS, "ttl": NUMBER},
                              r"projects/\$\{var\.\w+\}/managedZones/\$\{var\.\w+\[\"[^\"]+\"\]\}/rrsets/[^/]+\./(TXT|CNAME|CAA)"),
    "azurerm_dns_txt_record": ({**AZURE, "record": Block({"value": TEXT})}, {}, "/TXT/"),
    "azurerm_dns_caa_record": ({**AZURE, "record": Block(CAA_NUMBER)}, {}, "/CAA/"),
    "azurerm_dns_cname_record": ({**AZURE, "record": TEXT}, {}, "/CNAME/"),
    "digitalocean_record": ({"domain": TEXT, "name": TEXT, "type": TEXT, "value": TEXT}, {"flags": NUMBER, "tag": TEXT, "ttl": NUMBER}, None),
    "hcloud_zone_rrset": ({"name": TEXT, "records": Objects({"value": TEXT}), "type": TEXT, "zone": TEXT},
                          {"change_protection": FLAG, "ttl": NUMBER}, r"[^/]+/[^/]+/(TXT|CNAME|CAA)"),
}


def fits(value, kind):
    """Whether a value out of hcl2tojson is of the kind. Strings come in their quotes, other expressions in ${…}."""
    def one(v, kinds):
        return set(v) - {"__is_block__"} == set(kinds) and all(fits(v[k], kinds[k]) for k in kinds)
    if isinstance(kind, Block):
        return isinstance(value, list) and bool(value) and all(v.get("__is_block__") and one(v, kind) for v in value)
    if isinstance(kind, Object):
        return isinstance(value, dict) and "__is_block__" not in value and one(value, kind)
    if isinstance(kind, Objects):
        return isinstance(value, list) and bool(value) and all("__is_block__" not in v and one(v, kind) for v in value)
    if kind is TEXTS:
        return isinstance(value, list) and bool(value) and all(fits(v, TEXT) for v in value)
    if kind is TEXT:
        return isinstance(value, str) and (value[:1] == '"' or value[:2] == "${")
    return isinstance(value, bool) if kind is FLAG else isinstance(value, int) and not isinstance(value, bool)


def faults(tree):
    """What is wrong with a whole file, as hcl2tojson gives it."""
    out, names = [], set()
    for blocks in tree.get("resource", []):
        for quoted, bodies in blocks.items():
            kind = quoted.strip('"')
            required, optional, _ = RESOURCES[kind]
            for name, body in bodies.items():
                names.add(f"{kind}.{name.strip(chr(34))}")
                if not re.fullmatch(r'"[A-Za-z_][A-Za-z0-9_-]*"', name):
                    out.append(f"{kind} {name} is no identifier")
                given = {k: v for k, v in body.items() if k not in ("__is_block__", "lifecycle")}
                out += [f"{kind}.{name} has no {k}" for k in required if k not in given]
                known = {**required, **optional}
                out += [f"{kind}.{name}: {k} is not known" for k in given if k not in known]
                out += [f"{kind}.{name}: {k} = {v!r} is not {known[k]}" for k, v in given.items() if k in known and not fits(v, known[k])]
    for block in tree.get("import", []):
        to = block["to"].removeprefix("${").removesuffix("}")
        form = RESOURCES[to.split(".")[0]][2]
        text = block["id"][1:-1].replace('\\"', '"')
        if to not in names:
            out.append(f"import of {to}, which is not there")
        if not form or not (re.search(form, text) if form[:1] == "/" else re.fullmatch(form, text)):
            out.append(f"import of {to} by {text}")
    return out
