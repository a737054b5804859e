"""http-01: files for a web server, the built-in listener and the process behind it, and what `auto` makes of it."""
import functools
import http.server
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import harness

WELL_KNOWN = "/.well-known/acme-challenge/"
PASS_SOCKET = """
import os, socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
os.execv(sys.argv[2], sys.argv[2:])
"""


class Web:
    """A web server of a directory; with `hold` it says nothing until it is set. What was asked for is in .paths."""

    def __init__(self, stage, folder):
        self.paths, self.hold = [], None
        web = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                web.paths.append(self.path)
                if web.hold:
                    web.hold.wait(20)
                super().do_GET()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        stage.closers.append(self.server.shutdown)


class Site:
    """Names that lead to 127.0.0.1, a Pebble that asks at the port, and perdure without any DNS provider."""

    def __init__(self, stage, http, port, n=2, validation="http-01", **more):
        self.names = [f"w{i:02d}.bench.test" for i in range(n)]
        self.knot = harness.Knot(stage, self.names, records={n: ["@ 60 A 127.0.0.1"] for n in self.names})
        self.ca = harness.Pebble(stage, self.knot.address)
        self.ca.config["httpPort"] = port
        self.ca.restart()
        self.p = harness.Perdure(stage, harness.p_config(self.ca, self.knot, [], ca_options={"max_orders": 2}, **{
            "http": http, "defaults": {"ca": ["pebble"], "validation": validation},
            "certificates": [{"names": [n]} for n in self.names], **more}))
        harness.set_up_account(self.p)

    def renewed(self, done, how="http-01"):
        lines = {line["certificate"]: line for line in done.ok().lines() if "result" in line}
        assert set(lines) == set(self.names)
        # Pebble uses a valid authorization again now and then, even when told never to: nothing is proved then.
        seen = {line["validation"] for line in lines.values()}
        assert how in seen and seen <= {how, None}
        for name in self.names:
            harness.verify_chain(self.p, name, self.ca.roots(), [name])


def files(folder):
    return [os.path.join(d, f) for d, _, found in os.walk(folder) for f in found]


def test_files_for_a_web_server(stage):
    folder = stage.folder("www")
    web = Web(stage, folder)
    s = Site(stage, {"webroot": folder}, web.port)
    s.renewed(s.p.run("renew", "--json"))
    assert web.paths and not files(folder)
    assert os.stat(folder + WELL_KNOWN).st_mode & 0o777 == 0o755
    # By issue, and what a run leaves that is killed while the CA looks.
    web.hold, seen = threading.Event(), len(web.paths)
    run = s.p.start("issue", s.names[0])
    harness.wait_until("the CA to look", 20, lambda: len(web.paths) > seen)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    [left] = files(folder)
    assert os.stat(left).st_mode & 0o777 == 0o644 and os.path.basename(left) == harness.read(left).partition(".")[0]
    web.hold.set()
    s.p.run("issue", s.names[0]).ok()
    assert not files(folder)


def test_a_file_of_an_order_that_is_no_more_goes_with_the_next_run(stage):
    folder = stage.folder("www")
    web = Web(stage, folder)
    s = Site(stage, {"webroot": folder}, web.port, 1)
    web.hold = threading.Event()
    run = s.p.start("renew")
    harness.wait_until("the CA to look", 20, lambda: web.paths and files(folder))
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert files(folder)
    web.hold.set()
    s.p.configure({**s.p.config, "certificates": []})
    s.p.run("renew").ok()
    assert not files(folder)


def test_no_directory_to_write_to(stage):
    s = Site(stage, {"webroot": "/nonexistent/www"}, harness.free_port(), 1)
    done = s.p.run("issue", s.names[0])
    assert done.rc and "/nonexistent/www" in done.err and "http.webroot" in done.err


def test_the_listener(stage):
    port = harness.free_port()
    s = Site(stage, {"listen": f"127.0.0.1@{port}"}, port, 3, validation="auto")
    s.renewed(s.p.run("renew", "--json"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    status = s.p.run("status", "--json").ok().lines()
    assert {(c["validation"], c["validated_by"]) for c in status} == {("auto", "http-01")}
    # With the standing record in place that is the way.
    harness.publish_records(s.p, s.knot)
    s.renewed(s.p.run("renew", "--json", "--force-renewal"), "dns-persist-01")
    # Somebody else has the port.
    s.p.configure({**s.p.config, "defaults": {"ca": ["pebble"], "validation": "http-01"}})
    with socket.create_server(("127.0.0.1", port)):
        done = s.p.run("issue", s.names[0])
    assert done.rc and "cannot listen at" in done.err and "webroot" in done.err
    s.p.run("issue", s.names[0]).ok()


def test_the_socket_of_systemd(stage):
    port = harness.free_port()
    s = Site(stage, {"listen": "systemd"}, port, 1)
    done = s.p.run("renew")
    assert done.rc and "handed over no socket" in done.err
    s.renewed(s.p.run("renew", "--json", "--force-renewal", wrap=[sys.executable, "-c", PASS_SOCKET, str(port)]))


def test_advice(stage):
    """The names lead to 127.0.0.1, which no CA reaches; whether the record stands is all that changes."""
    s = Site(stage, {"listen": "systemd"}, harness.free_port(), 1, validation="auto", delegation={"zone": "acme.bench.test"})
    name = s.names[0]
    s.p.configure({**s.p.config, "cas": [s.ca.config_entry(level=1)], "providers": [
        {"name": "edge", "type": "rfc2136", "server": s.knot.address.replace(":", "@"), "zones": ["acme.bench.test"]}]})

    def ask(rc):
        done = s.p.run("check", name, "--advise", "--json")
        assert done.rc == rc
        advice = done.json()
        return advice["recommended"], {m["method"]: (m["state"], m["dns_writes"], m["provider"]) for m in advice["methods"]}

    best, ways = ask(5)
    assert best == "dns-persist-01" and ways == {
        "dns-persist-01": ("needs-setup", 0, None), "delegation": ("needs-setup", 2, "edge"), "dns-01": ("impossible", 2, None),
        "http-01": ("impossible", 0, None)}
    s.knot.nsupdate([f"_acme-challenge.{name}. 60 CNAME _w00-bench-test.acme.bench.test."])
    assert ask(5)[1]["delegation"] == ("works", 2, "edge")
    harness.publish_records(s.p, s.knot)
    best, ways = ask(0)
    assert best == "dns-persist-01" and ways["dns-persist-01"] == ("works", 0, None)
    # A CA that is not known to offer records.
    s.p.configure({**s.p.config, "cas": [s.ca.config_entry()]})
    best, ways = ask(0)
    assert best == "delegation" and ways["dns-persist-01"][0] == "unclear"
    said = s.p.run("check", name, "--advise").ok().out
    assert "delegation is recommended: " in said and "issuer: or level: in the CA's entry" in said
    # Whoever names its issuer for records knows it, and whoever wants the name proved in no other way.
    for entry, more in (({"issuer": harness.ISSUER}, {}), ({}, {"validation": "dns-persist-01"})):
        certificates = [{**c, **more} for c in s.p.config["certificates"]]
        s.p.configure({**s.p.config, "cas": [s.ca.config_entry(**entry)], "certificates": certificates})
        best, ways = ask(0)
        assert best == "dns-persist-01" and ways["dns-persist-01"][0] == "works", (entry, more)


class Child:
    """The process that answers, as perdure starts it."""

    def __init__(self, stage, user="nobody", wrap=()):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.orders, theirs = socket.socketpair()
        self.orders.settimeout(10)
        fd = self.socket.fileno()
        program = {"args": ["perdure-http-01", user], "executable": harness.perdure_path()}
        if wrap:
            program = {"args": [*wrap, "bash", "-c", 'exec -a perdure-http-01 "$@"', "-", harness.perdure_path(), user]}
        self.process = subprocess.Popen(**program, stdin=theirs, pass_fds=(3,), env={"PATH": os.environ["PATH"]} if wrap else {},
                                        preexec_fn=lambda: os.dup2(fd, 3), start_new_session=True)
        stage.closers.append(lambda: (self.process.kill(), self.process.wait()))
        theirs.close()
        self.hello = self.orders.recv(100)

    def order(self, line):
        self.orders.sendall(line.encode() + b"\n")
        assert self.orders.recv(100) == b"ok\n"

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def ask(self, raw):
        """Everything that is said to it."""
        with self.connect() as c:
            c.sendall(raw)
            out = b""
            while piece := c.recv(65536):
                out += piece
            return out

    def get(self, path, method="GET"):
        head, _, body = self.ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def test_it_answers_its_tokens_and_nothing_else(stage):
    c = Child(stage)
    assert c.hello == b"ok\n"
    c.order("+tok-1 tok-1.abc")
    c.order("+tok-2 tok-2.def")
    assert c.get(WELL_KNOWN + "tok-1") == (200, b"tok-1.abc")
    assert c.get("http://x" + WELL_KNOWN + "tok-2") == (200, b"tok-2.def")
    assert c.get(WELL_KNOWN + "tok-2", "HEAD") == (200, b"")
    for path in ("/", WELL_KNOWN, WELL_KNOWN + "tok-", WELL_KNOWN + "tok-1?x", WELL_KNOWN + "tok-1/", WELL_KNOWN + "../tok-1", "/tok-1",
                 WELL_KNOWN + "%74ok-1", "/.well-known/acme-challenge//tok-1"):
        assert c.get(path)[0] == 404, path
    for method in ("POST", "PUT", "OPTIONS", "get", "X" * 100):
        assert c.get(WELL_KNOWN + "tok-1", method)[0] == 404, method
    c.order("-tok-1")
    assert c.get(WELL_KNOWN + "tok-1")[0] == 404
    assert c.get(WELL_KNOWN + "tok-2")[0] == 200
    # It ends with its parent.
    c.orders.close()
    assert c.process.wait(10) == 0


def test_junk_does_not_stop_it(stage):
    c = Child(stage)
    c.order("+tok tok.abc")
    good = f"GET {WELL_KNOWN}tok HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1 x\r\n\r\n", b"\x00\xff" * 50 + b"\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET tok HTTP/1.1\r\n\r\n"):
        assert c.ask(junk).startswith(b"HTTP/1.1 400 "), junk
    assert c.ask(b"GET / HTTP/1.1\r\nX: " + b"x" * 20000).startswith(b"HTTP/1.1 431 ")
    # Pipelined: the first is answered, once.
    out = c.ask(good * 20)
    assert out.count(b"HTTP/1.1 200 OK") == 1 and out.endswith(b"\r\n\r\ntok.abc")
    # Slow ones, more of them than it serves at once, keep nobody else from it, and end.
    start = time.monotonic()
    slow = [c.connect() for _ in range(150)]
    for s in slow:
        s.sendall(b"GET /")
    assert c.get(WELL_KNOWN + "tok") == (200, b"tok.abc")
    for s in slow:
        try:
            assert s.recv(100) == b""
        except ConnectionResetError:
            pass
    assert time.monotonic() - start < 60
    assert c.get(WELL_KNOWN + "tok") == (200, b"tok.abc")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up")
def test_it_gives_up_root(stage):
    c = Child(stage)
    assert c.hello == b"ok\n"
    nobody = pwd.getpwnam("nobody")
    status = dict(line.split(":", 1) for line in harness.read(f"/proc/{c.process.pid}/status").splitlines())
    assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
    assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
    assert status["Groups"].split() == []
    assert status["NoNewPrivs"].strip() == "1"
    assert {int(status[k], 16) for k in ("CapPrm", "CapEff", "CapAmb")} == {0}
    # Sanitizers and the loop have descriptors of their own, but nothing of the parent's is there.
    assert b"no user" in Child(stage, "no-such-user").hello
    assert b"root" in Child(stage, "root").hello


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand out capabilities")
def test_it_gives_up_capabilities(stage):
    """Started by a user that was given the right to open the port: the process has the port open, and needs no right to do it again."""
    as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    if subprocess.run([*as_user, "test", "-x", harness.perdure_path()], check=False).returncode:
        pytest.skip("the program is where others cannot execute it")
    c = Child(stage, wrap=[*as_user, "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"])
    assert c.hello == b"ok\n"
    status = dict(line.split(":", 1) for line in harness.read(f"/proc/{c.process.pid}/status").splitlines())
    assert {int(status[k], 16) for k in ("CapPrm", "CapEff", "CapAmb", "CapInh")} == {0}
    c.order("+tok tok.abc")
    assert c.get(WELL_KNOWN + "tok") == (200, b"tok.abc")

