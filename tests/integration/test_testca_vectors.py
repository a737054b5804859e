"""
tests/vectors/vectors.json against perdure-testca itself: each record set is published, its name ordered, and the CA's word compared. What
names the account of the vectors (its URL, the prefix, the digests for its key) is put in the words of an account at this CA, with
digests by hashlib.
"""
import time

import pytest
from harness import Knot
from rawacme import Client
from test_agreement import presentation
from test_vectors import ACCOUNT, PREFIX, VECTORS, oracle

LONG = max((v["identifier"] for v in VECTORS["vectors"]), key=len)
# Not of one account with one key and one prefix; or decided by the very second.
NOT_HERE = {"A22", "F05", "F07", "F10", "F21", "F22", "C02"}


def translated(vector, text, client):
    """The text of the vector as it is at this CA."""
    if vector["draft"] == "02":
        for domain in (vector["validated_fqdn"], "*"):
            theirs = oracle(domain, vector["account_thumbprint"], vector["account_uri"])
            text = text.replace(theirs, oracle(domain, client.key.thumbprint, client.kid))
        text = text.replace(PREFIX, client.directory["meta"]["accountHashPrefix"])
    now = vector["now"]
    return text.replace(ACCOUNT, client.kid).replace(str(now - 1), str(int(time.time()) - 1))


def publish(knot, vector, client):
    way = vector.get("cname_chain", [vector["record_name"]])
    lines = [f"del {vector['record_name']}.", f"del {way[-1]}."]
    lines += [f"{a}. 60 CNAME {b}." for a, b in zip(way, way[1:])]
    for strings in vector["txt"]:
        # Strings may have grown: they are cut anew.
        whole = b"\0".join(translated(vector, s, client).encode("latin-1") for s in strings)
        cut = [s[i:i + 255] for s in whole.split(b"\0") for i in range(0, len(s) or 1, 255)]
        lines.append(f"{way[-1]}. 60 TXT {' '.join(presentation(s) for s in cut)}")
    knot.nsupdate(lines)


@pytest.mark.parametrize("draft", ["00", "01", "02"])
def test_vectors(make_testca, stage, draft):
    zones = ["com", "org", "de", "example", LONG.rpartition(".")[2]]
    knot = Knot(stage, zones, parent=None)
    ca = make_testca(knot, level=draft, issuers=["authority.example", "ca.example.net"])
    client = Client(ca)
    client.register()
    seen = 0
    for v in (v for v in VECTORS["vectors"] if v["draft"] == draft and v["case"] not in NOT_HERE):
        publish(knot, v, client)
        authz = client.validate(client.order(["*." * v["wildcard"] + v["identifier"]]).json())[0]
        problem = None if authz["status"] == "valid" else authz["challenges"][0]["error"]["type"].rpartition(":")[2]
        optional = ["unauthorized"] if v.get("ca_optional") else []
        assert problem in [v["problem"], *optional], (v, authz)
        seen += 1
    assert seen == {"00": 7, "01": 57, "02": 80}[draft]
    client.close()
    ca.stop()
