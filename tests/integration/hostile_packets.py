"""
DNS answers made octet by octet, for the tests of hostile servers and the corpus of the fuzzer: PACKETS maps a word to a function from a
question (dnspython message) to a packet. None of them is a good answer. `python3 hostile_packets.py
tests/fuzz/corpus/dnsmessage` keeps the corpus in step with them.
"""
import os
import struct
import sys

import dns.message

HEADER = 12
TXT, CNAME, A, SOA, NS, OPT = 16, 5, 1, 6, 2, 41


def question(q):
    """The question section's octets."""
    return q.question[0].name.to_wire() + struct.pack(">HH", q.question[0].rdtype, 1)


def head(q, counts=(1, 0, 0), flags=0x8400, questions=1):
    return struct.pack(">HHHHHH", q.id, flags, questions, *counts)


def rr(data, kind=TXT, owner=b"\xc0\x0c", klass=1, ttl=60, length=None):
    """One record; the owner is the question's name."""
    return owner + struct.pack(">HHIH", kind, klass, ttl, len(data) if length is None else length) + data


def string(text):
    return bytes([len(text)]) + text


def packet(q, *records, counts=None, **more):
    return head(q, counts or (len(records), 0, 0), **more) + question(q) + b"".join(records)


def at(q, offset=0):
    """A pointer to so many octets behind the question."""
    return struct.pack(">H", 0xC000 | (HEADER + len(question(q)) + offset))


def many(q, record, n, room=65535):
    """As many records as there is room for, n of them announced."""
    fit = (room - HEADER - len(question(q))) // len(record)
    return packet(q, *[record] * fit, counts=(n, 0, 0))


def pointer_ladder(q):
    """Pointers that each lead strictly back, a hundred of them, in the data of a TXT record; an owner name that begins at the last."""
    first = HEADER + len(question(q)) + 2 + 10 + 1
    steps = b"".join(struct.pack(">H", 0xC000 | (first + 2 * (i - 1) if i else HEADER)) for i in range(100))
    return packet(q, rr(b"\xff" + steps + b"x" * (255 - len(steps))), rr(string(b"end"), owner=struct.pack(">H", 0xC000 | (first + 198))))


def long_name(q):
    """A name of 63-octet labels that goes on at itself through a pointer back to the question."""
    label = b"\x3f" + b"l" * 63
    return packet(q, rr(label * 4 + b"\xc0\x0c", kind=CNAME))


def mutual_pointers(q):
    a, b = at(q, 0), at(q, 2)
    return packet(q, b + a + struct.pack(">HHIH", TXT, 1, 60, 0), counts=(2, 0, 0))


PACKETS = {
    "empty": lambda q: b"",
    "one-octet": lambda q: b"\0",
    "header-cut": lambda q: head(q)[:11],
    "header-only": lambda q: head(q, (0, 0, 0), questions=0),
    "header-without-body": lambda q: head(q),
    "question-cut": lambda q: (head(q) + question(q))[:-3],
    "two-questions": lambda q: head(q, questions=2) + question(q) * 2 + rr(string(b"x")),
    "questions-65535": lambda q: head(q, questions=65535) + question(q) + rr(string(b"x")),
    "not-a-response": lambda q: packet(q, rr(string(b"x")), flags=0x0400),
    "opcode-update": lambda q: packet(q, rr(string(b"x")), flags=0xAC00),
    "answers-65535": lambda q: packet(q, rr(string(b"x")), counts=(65535, 0, 0)),
    "all-counts-65535": lambda q: packet(q, rr(string(b"x")), counts=(65535, 65535, 65535)),
    "full-of-txt": lambda q: many(q, rr(string(b"")), 65535),
    "full-of-smallest": lambda q: many(q, rr(b"", kind=10, owner=b"\0"), 65535),
    "full-of-empty-strings": lambda q: packet(q, rr(b"\0" * 60000), counts=(2, 0, 0)),
    "pointer-to-itself": lambda q: packet(q, rr(string(b"x"), owner=at(q))),
    "pointers-at-each-other": mutual_pointers,
    "pointer-forward": lambda q: packet(q, rr(string(b"x"), owner=at(q, 14))),
    "pointer-past-the-end": lambda q: packet(q, rr(string(b"x"), owner=b"\xff\xff")),
    "pointer-into-the-header": lambda q: packet(q, rr(string(b"x"), owner=b"\xc0\x02")),
    "pointer-cut": lambda q: packet(q, b"\xc0"),
    "pointer-ladder": pointer_ladder,
    "pointer-in-the-question": lambda q: head(q) + b"\xc0\x0c\0\x10\0\1" + rr(string(b"x")),
    "label-type-01": lambda q: packet(q, rr(string(b"x"), owner=b"\x41a\0")),
    "label-type-10": lambda q: packet(q, rr(string(b"x"), owner=b"\x81a\0")),
    "label-past-the-end": lambda q: packet(q, b"\x3fa"),
    "name-too-long": long_name,
    "length-past-the-end": lambda q: packet(q, rr(string(b"x"), length=65535)),
    "length-cut": lambda q: packet(q, rr(string(b"x"))[:11]),
    "no-string": lambda q: packet(q, rr(b"")),
    "string-past-the-data": lambda q: packet(q, rr(b"\x05abc"), rr(string(b"defgh"))),
    "address-of-three-octets": lambda q: packet(q, rr(string(b"x")), rr(b"\x7f\0\1", kind=A)),
    "cname-without-data": lambda q: packet(q, rr(b"", kind=CNAME)),
    "cname-with-a-tail": lambda q: packet(q, rr(b"\1x\0tail", kind=CNAME)),
    "cname-out-of-its-data": lambda q: packet(q, rr(b"\1x", kind=CNAME), rr(string(b"x"))),
    "soa-without-numbers": lambda q: head(q, (0, 1, 0)) + question(q) + rr(b"\0\0", kind=SOA),
    "ns-loop": lambda q: head(q, (0, 1, 0), flags=0x8000) + question(q) + rr(at(q, 12), kind=NS),
    "opt-cut": lambda q: head(q, (1, 0, 1)) + question(q) + rr(string(b"x")) + b"\0\0\x29\x04\xd0\0\0\0\0\xff\xff",
    "strings-of-octets": lambda q: packet(q, rr(string(bytes(range(255)))), rr(string(b"\xff" * 255))),
}


def corpus():
    """File name -> packet, as answers to one fixed question."""
    q = dns.message.make_query("_validation-persist.example.test", "TXT", id=0x1234)
    return {"sent-" + word: make(q) for word, make in PACKETS.items()}


if __name__ == "__main__":
    for file, octets in corpus().items():
        with open(os.path.join(sys.argv[1], file), "wb") as out:
            out.write(octets)
