"""The PowerDNS driver against the real server: the distribution's, which replaces whole RRsets, and a newer one."""
import http.server
import json
import os
import socketserver
import subprocess
import threading
import urllib.request

import pytest

from dns_servers import PowerDNS, newer_powerdns, ttl, values
from harness import Stage, write
from provider_calls import Calls, configure

ZONE = "example.test"
NAME = f"_validation-persist.www.{ZONE}"
OURS = '"ca.test;accounturi=https://ca.test/acct/1"'
FOREIGN = ['"with spaces; and = signs"', '"say \\"hi\\" \\\\ back"', '"caf\\195\\169"', '"two" "strings"',
           '"' + "x" * 255 + '" "' + "y" * 45 + '"']
RECORDS = ["www A 127.0.0.1", "deleg NS ns.elsewhere.test.", "alias CNAME target.elsewhere.test.", "tree DNAME else.test."]


@pytest.fixture(scope="module", params=["stable", "newer"])
def server(request):
    command = newer_powerdns() if request.param == "newer" else ("pdns_server",)
    with Stage() as stage:
        s = PowerDNS(stage, {ZONE: RECORDS}, command)
        s.newer = request.param == "newer"
        yield s


@pytest.fixture
def calls(server):
    c = Calls(configure(server.stage, server.entry()))
    yield c
    assert server.api_key not in c.output


def test_values_of_others(server, calls):
    for i, foreign in enumerate(FOREIGN):
        name = f"_v.f{i}.{ZONE}"
        server.nsupdate(f"update add {name}. 600 TXT {foreign}")
        assert calls.ensure(name, "TXT", 0, "+" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == sorted([foreign, OURS])
        assert calls.ensure(name, "TXT", 0, "+" + OURS)["outcome"] == "unchanged"
        answer = calls.ensure(name, "TXT", 1200, "+" + OURS)
        if server.newer and "\\" in foreign:
            assert answer["cause"] == "size" and "backslash" in answer["message"], answer
        else:
            assert answer["outcome"] == "changed", answer
            assert ttl(server.port, name) == {1200}
        assert values(server.port, name) == sorted([foreign, OURS])
        assert calls.ensure(name, "TXT", 0, "-" + OURS)["outcome"] == "changed"
        assert values(server.port, name) == [foreign]
        answer = calls.ensure(name, "TXT", 0, "-" + foreign)
        if answer["ok"]:
            assert values(server.port, name) == answer["values"] == []
        else:  # 5.1 takes the backslashes out of what it is sent: such a value cannot be named to it
            assert server.newer and "\\" in foreign and values(server.port, name) == [foreign], answer


def test_disabled_records_stay(server, calls):
    name = f"_v.off.{ZONE}"
    server.call("PATCH", f"/zones/{ZONE}.", {"rrsets": [{"name": name + ".", "type": "TXT", "ttl": 300, "changetype": "REPLACE", "records": [
        {"content": '"off"', "disabled": True}, {"content": '"on"', "disabled": False}]}]})
    assert sorted(calls.ensure(name, "TXT", 0, "+" + OURS)["values"]) == sorted(['"on"', OURS])
    assert calls.ensure(name, "TXT", 900, "+" + OURS)["outcome"] == "changed"
    sets = server.call("GET", f"/zones/{ZONE}.")["rrsets"]  # old servers leave disabled records out when asked for one name
    held = {(r["content"], r["disabled"]) for s in sets if s["name"] == name + "." for r in s["records"]}
    assert held == {('"off"', True), ('"on"', False), (OURS, False)}


def test_other_types(server, calls):
    name = f"_acme-challenge.www.{ZONE}"
    a, b = calls.run(("ensure", name, "CNAME", 300, "+one.elsewhere.test."),
                     ("ensure", name, "CNAME", 300, "+two.elsewhere.test.", "-one.elsewhere.test."))
    assert (a["outcome"], b["outcome"], b["values"]) == ("changed", "changed", ["two.elsewhere.test."])
    assert values(server.port, name, "CNAME") == ["two.elsewhere.test."]
    assert calls.ensure(name, "CNAME", 300, "+three.elsewhere.test.")["cause"] == "cname"
    assert calls.ensure(name, "CNAME", 300, "-two.elsewhere.test.")["values"] == []
    assert calls.ensure(f"www.{ZONE}", "CAA", 300, '+0 issue "ca.test; accounturi=https://ca.test/acct/1"')["outcome"] == "changed"
    assert len(values(server.port, f"www.{ZONE}", "CAA")) == 1
    long = "z" * 700
    assert calls.ensure(f"_v.long.{ZONE}", "TXT", 300, f'+"{long}"')["outcome"] == "changed"
    assert "".join(values(server.port, f"_v.long.{ZONE}")).replace('" "', "") == f'"{long}"'


def test_somebody_is_quicker(server, calls):
    """Between reading and writing somebody adds or removes a value: it is seen, and nothing is written."""
    name = f"_v.race.{ZONE}"
    for before, meanwhile in (([], [f'update add {name}. 300 TXT "new"']), (['"a"'], [f'update add {name}. 300 TXT "new"']),
                              (['"a"', '"b"'], [f'update delete {name}. TXT "b"']), (['"a"'], [f"update delete {name}. TXT"])):
        server.nsupdate(f"update delete {name}. TXT", *[f"update add {name}. 300 TXT {v}" for v in before])
        p = subprocess.Popen(calls.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        p.stdin.write(f"read\t{name}\tTXT\n")
        p.stdin.flush()
        assert sorted(json.loads(p.stdout.readline())["values"]) == sorted(before)
        server.nsupdate(*meanwhile)
        there = values(server.port, name)
        p.stdin.write(f"change\t{name}\tTXT\t300\t+{OURS}\n")
        p.stdin.close()
        assert json.loads(p.stdout.readline())["outcome"] == "lost"
        p.wait(20)
        assert values(server.port, name) == there
    server.nsupdate(f"update delete {name}. TXT")


def test_writers_at_once(server, calls):
    """
    Two processes of ours at one name, and nsupdate. Where values are added one by one, nsupdate is at the same name; a server that
    only replaces whole RRsets has no defence against that (docs/providers.md), so there it is at other names of the zone.
    """
    name, n = f"_v.many.{ZONE}", 6
    first = Calls(calls.argv[-2]).start(*[("ensure", name, "TXT", 300, f'+"a{i}"') for i in range(n)],
                                        *[("ensure", name, "TXT", 300, f'-"a{i}"') for i in range(0, n, 2)])
    second = Calls(calls.argv[-2]).start(*[("ensure", name, "TXT", 300, f'+"b{i}"') for i in range(n)])
    for i in range(n):
        server.nsupdate(f'update add {name if server.newer else f"_v.other{i}.{ZONE}"}. 300 TXT "c{i}"')
    answers = [json.loads(line) for p in (first, second) for line in p.communicate(timeout=100)[0].splitlines()]
    assert len(answers) == 2 * n + n // 2
    assert [a for a in answers if a["outcome"] != "changed"] == []
    wanted = [f'"a{i}"' for i in range(1, n, 2)] + [f'"b{i}"' for i in range(n)]
    if server.newer:
        wanted += [f'"c{i}"' for i in range(n)]
    assert values(server.port, name) == sorted(wanted)
    server.nsupdate(f"update delete {name}. TXT")


class Between:
    """In front of the interface: `meanwhile` happens right before each change is passed on."""

    def __init__(self, server, meanwhile):
        between = self
        self.todo = [meanwhile]

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                if self.command == "PATCH" and between.todo:
                    between.todo.pop()()
                request = urllib.request.Request(server.url + self.path, method=self.command, data=body, headers={
                    k: v for k, v in self.headers.items() if k.lower() in ("x-api-key", "content-type")})
                with urllib.request.urlopen(request, timeout=20) as r:
                    text = r.read()
                    self.send_response(r.status)
                    for k, v in r.headers.items():
                        if k.lower().startswith(("x-pdns", "content-type")):
                            self.send_header(k, v)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            do_GET = do_PATCH = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def test_a_third_party_in_the_last_moment(server):
    """Where values are added one by one, both stand; a server that only replaces whole RRsets loses the other, and that is said."""
    name = f"_v.last.{ZONE}"
    server.nsupdate(f'update add {name}. 300 TXT "there"')
    between = Between(server, lambda: server.nsupdate(f'update add {name}. 300 TXT "theirs"'))
    try:
        answer = Calls(configure(server.stage, server.entry(url=between.url))).ensure(name, "TXT", 300, "+" + OURS)
    finally:
        between.stop()
    stands = values(server.port, name)
    assert answer["outcome"] == "changed" and not between.todo and {OURS, '"there"'} <= set(stands), answer
    assert ('"theirs"' in stands) == server.newer and ("their value is lost" in (answer.get("note") or "")) == (not server.newer), (answer, stands)


def test_in_the_way(server, calls):
    cname, below, at, dname, zone = calls.run(
        ("ensure", f"alias.{ZONE}", "TXT", 300, "+" + OURS), ("ensure", f"_v.x.deleg.{ZONE}", "TXT", 300, "+" + OURS),
        ("ensure", f"deleg.{ZONE}", "TXT", 300, "+" + OURS), ("ensure", f"_v.x.tree.{ZONE}", "TXT", 300, "+" + OURS),
        ("zone", "_v.www.other.test"))
    assert cname["cause"] == "cname" and "target.elsewhere.test" in cname["message"] and "remove the CNAME" in cname["hint"]
    assert below["cause"] == "delegated" and f"deleg.{ZONE}" in below["message"] and "provider that hosts" in below["hint"]
    assert at["cause"] == "delegated"
    assert dname["cause"] == "cname" and "DNAME" in dname["message"]
    assert zone["cause"] == "no-zone"
    data = calls.ensure(f"www.{ZONE}", "CNAME", 300, "+x.elsewhere.test.")
    assert data["cause"] == "cname" and "other records" in data["message"]
    given = Calls(configure(server.stage, server.entry(zones=["other.test"])))
    assert given.one("zone", NAME)["cause"] == "no-zone"


class Greets(socketserver.BaseRequestHandler):
    """No web server at all."""

    def handle(self):
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.request.recv(4096)


def test_keys(server, calls):
    secret = "wrong-canary-key"
    wrong = write(os.path.join(server.stage.folder("keys"), "wrong"), secret, 0o600)
    c = Calls(configure(server.stage, server.entry(key_file=wrong)))
    answer = c.one("zone", NAME)
    assert (answer["kind"], answer["cause"]) == ("provider", "key") and "provider test edge" in answer["hint"]
    assert secret not in c.output
    answer = Calls(configure(server.stage, server.entry(server_id="elsewhere"))).one("zone", NAME)
    assert answer["kind"] == "provider" and "404" in answer["message"]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greets) as other:
        threading.Thread(target=other.serve_forever, args=(0.02,), daemon=True).start()
        answer = Calls(configure(server.stage, server.entry(url=f"http://127.0.0.1:{other.server_address[1]}"))).one("zone", NAME)
        other.shutdown()
    assert answer["kind"] in ("network", "protocol"), answer


def test_an_address_that_is_not_let_in():
    with Stage() as stage:
        server = PowerDNS(stage, {ZONE: RECORDS})
        server.let_in("192.0.2.0/24")
        answer = Calls(configure(stage, server.entry())).one("zone", NAME)
        assert answer["kind"] == "network" and "webserver-allow-from" in answer["hint"], answer


def test_a_secondary_takes_no_changes(server, calls):
    server.call("POST", "/zones", {"name": "second.test.", "kind": "Slave", "masters": ["192.0.2.1"], "nameservers": []})
    answer = calls.one("zone", "_v.www.second.test")
    assert answer["cause"] == "no-zone" and "secondary" in answer["message"]


def test_secret_files(server):
    """Readable by others, several words, empty, missing: refused before anything is sent, and without the content."""
    folder = server.stage.folder("secrets")
    for name, text, mode, words in (("open", "canary-open", 0o644, "chmod"), ("two", "canary one\ntwo", 0o600, "one word"),
                                    ("empty", "", 0o600, "is empty"), ("gone", None, 0, "No such file")):
        path = os.path.join(folder, name)
        if text is not None:
            write(path, text, mode)
        c = Calls(configure(server.stage, server.entry(key_file=path)))
        p = subprocess.run(c.argv, input="", text=True, capture_output=True, timeout=20, check=False)
        assert p.returncode == 1 and words in p.stderr and "canary" not in p.stderr, p.stderr
