"""Deploy actions: what is done with a new certificate, what becomes of those that fail, and that nothing is done twice or left out."""
import base64
import contextlib
import os
import signal
import socketserver
import ssl
import stat
import subprocess
import threading
import time

import pytest

import harness
from e2e import faults_path
from harness import Perdure, read, tool, wait_until, write
from kubernetes_double import Kubernetes

NAME = "a.test"


class World:
    """A CA that validates anything, and a perdure with certificates that have deploy actions."""

    def __init__(self, stage, deploy, certificates=None, binary=None, **config):
        self.ca = harness.TestCA(stage)
        self.certificates = certificates or [{"names": [NAME, "www." + NAME]}]
        self.p = Perdure(stage, {}, binary=binary)
        self.folder = self.p.folder
        self.more = config
        self.configure(deploy)
        harness.set_up_account(self.p)

    def configure(self, deploy):
        defaults = {"defaults": {"deploy": deploy}} if deploy is not None else {}
        self.p.configure({"cas": [self.ca.config_entry(contact=["ops@a.test"])], "dns": {"mode": "none"},
                          "certificates": self.certificates, **defaults, **self.more})

    def path(self, name):
        return os.path.join(self.folder, name)

    def script(self, name, text):
        """A program of the operator's."""
        return write(self.path(name), "#!/bin/sh\n" + text, 0o755)

    def deploys(self, done, certificate=NAME):
        """The lines on deploy actions of one certificate."""
        return [line for line in done.lines() if line.get("certificate") == certificate and "deploy" in line]

    def state(self, certificate=NAME):
        return {d["action"]: d for line in self.p.run("status", "--json").ok().lines() if line["certificate"] == certificate
                for d in line["deploys"]}

    def renew(self, *args, rc=0, **kw):
        done = self.p.run("renew", "--json", *args, **kw)
        assert done.rc == rc, str(done)
        return done


@pytest.fixture
def world(stage):
    return lambda deploy=None, certificates=None, **more: World(stage, deploy, certificates, **more)


def env_of(path):
    """NAME -> value of what `env` wrote."""
    return dict(line.split("=", 1) for line in read(path).splitlines())



# --- programs ---------------------------------------------------------------------------------------------------------------


def test_environment(world):
    """A clean one: what docs/deploy.md lists and nothing else; nothing of a shell where none is asked for."""
    w = world([{"command": ["/usr/bin/env"], "env": ["WANTED"]},
               {"shell": "echo $((1+1)) $PERDURE_CERTIFICATE > $PERDURE_STATE_DIR/shell"},
               {"command": ["printf", "%s|", "$HOME", "*"]}])
    done = w.renew(env={"WANTED": "yes", "SECRET": "no"})
    first, shell, third = w.deploys(done)
    env = dict(line.split("=", 1) for line in first["output"].splitlines())
    live = os.path.join(w.p.state_dir, "live", NAME)
    assert env.pop("PERDURE_NOT_AFTER") == done.lines()[0]["not_after"]
    assert env.pop("PERDURE_SERIAL") == w.p.run("status", "--json").lines()[0]["serial"]
    fingerprint = tool("openssl", "x509", "-in", w.p.live(NAME, "cert.pem"), "-noout", "-fingerprint", "-sha256").partition("=")[2]
    assert env.pop("PERDURE_SHA256") == fingerprint.strip().replace(":", "").lower()
    assert env == {
        "PATH": os.environ["PATH"], "WANTED": "yes", "PERDURE_CONFIG": w.p.config_file, "PERDURE_STATE_DIR": w.p.state_dir,
        "PERDURE_CERTIFICATE": NAME, "PERDURE_CERTIFICATES": NAME, "PERDURE_DOMAINS": f"{NAME} www.{NAME}", "PERDURE_GENERATION": "1",
        "PERDURE_CA": "testca", "PERDURE_LIVE": live, "PERDURE_KEY": live + "/privkey.pem", "PERDURE_COMBINED": live + "/combined.pem",
        "PERDURE_CERT": live + "/cert.pem", "PERDURE_CHAIN": live + "/chain.pem", "PERDURE_FULLCHAIN": live + "/fullchain.pem"}
    assert shell["deploy"] == "done" and read(os.path.join(w.p.state_dir, "shell")) == f"2 {NAME}\n"
    assert third["output"] == "$HOME|*|"
    missing = w.renew("--force-renewal", rc=4)
    assert "WANTED is not set" in w.deploys(missing)[0]["error"]


FAILURES = {
    "hangs": ("sleep 1000", "timeout", {"timeout": "1s"}),
    "fails": ("echo the reason >&2; exit 3", "ended with status 3: the reason", {}),
    "floods": ("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo END; exit 1", "ended with status 1: END", {}),
    "floods errors": ("head -c 50000000 /dev/zero | tr '\\0' x >&2; exit 1", "ended with status 1: xxx", {}),
    "leaves a child": ("setsid sleep 1000 & echo started; exit 1", "ended with status 1: started", {}),
    "needs input": ("read answer || exit 9", "ended with status 9", {}),
    "prints escapes": ("printf '\\033[2J\\033]0;x\\a\\302\\233 evil\\rgood' >&2; exit 1", "ended with status 1", {}),
    "is killed": ("kill -9 $$", "killed by signal 9", {}),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_failing_program(world, kind):
    """The certificate stays, the failure is told, waits, is tried again, and ends when it ends well."""
    text, says, more = FAILURES[kind]
    w = world(None)
    hook = w.script("hook", text + "\n")
    w.configure([{"command": [hook], **more}])
    start = time.monotonic()
    done = w.renew(rc=4)
    assert time.monotonic() - start < 60
    (line,) = w.deploys(done)
    assert line["deploy"] == "failed" and line["tries"] == 1 and line["next_at"], line
    assert line["error_kind"] == ("timeout" if kind == "hangs" else "system")
    assert kind == "hangs" or says in line["error"], line
    assert len(line["output"]) <= 2 * 4096 + 10
    assert read(w.p.live(NAME, "fullchain.pem")) and w.p.run("status", "--json").lines()[0]["generation"] == 1
    # It waits; nothing is issued again.
    again = w.renew()
    assert again.lines()[-1]["summary"] == {**again.lines()[-1]["summary"], "due": 0, "deploy_waiting": 1, "deploy_failed": 0}
    (known,) = w.state().values()
    assert known["state"] == "waiting" and known["tries"] == 1 and known["last_error"] == line["error"]
    text = w.p.run("status").ok().out
    assert "tried 1 times" in text and not any(c in text for c in "\033\a\r\x9b")
    w.script("hook", "exit 0\n")
    mended = w.p.run("deploy", "--json").ok()
    assert [x["deploy"] for x in w.deploys(mended)] == ["done"]
    assert w.state()[known["action"]]["state"] == "done" and w.p.run("deploy").ok().out == "nothing is to be deployed\n"


def test_escapes_on_the_terminal(world):
    w = world(None)
    hook = w.script("hook", "printf '\\033[2J\\302\\233evil\\rgood\\n\\nmore' >&2; exit 1\n")
    w.configure([{"command": [hook]}])
    done = w.p.run("renew")
    assert done.rc == 4 and "| more" in done.err and "evil" in done.err
    assert not any(c in done.out + done.err for c in "\033\r\x9b")


@pytest.mark.parametrize("kind, says", [("missing", "No such file"), ("not executable", "Permission denied"), ("in no PATH", "no program")])
def test_a_program_that_cannot_start(world, kind, says):
    w = world(None)
    plain = write(w.path("plain"), "#!/bin/sh\nexit 0\n", 0o644)
    w.configure([{"command": [{"missing": w.path("none"), "not executable": plain, "in no PATH": "no-such-program"}[kind]]}])
    done = w.renew(rc=4)
    (line,) = w.deploys(done)
    assert says in line["error"] and line["exit_status"] is None and line["hint"]
    assert w.p.run("deploy").rc == 1


def test_order_and_back_off(world):
    """Those after one that failed wait for it, unless it is optional; when it is mended, all after it are done again."""
    w = world(None)
    log, bad, worse = w.path("log"), w.path("bad"), w.path("worse")
    write(bad, "")
    write(worse, "")
    w.configure([{"shell": f"echo 1 >> {log}"}, {"shell": f"echo opt >> {log}; test ! -e {bad}", "optional": True},
                 {"shell": f"echo 2 >> {log}; test ! -e {worse}"}, {"shell": f"echo 3 >> {log}"}])
    done = w.renew(rc=4)
    assert [x["deploy"] for x in w.deploys(done)] == ["done", "failed", "failed"]
    assert [x["state"] for x in w.state().values()] == ["done", "waiting", "waiting", "behind"]
    assert read(log).split() == ["1", "opt", "2"]
    os.unlink(worse)
    assert w.p.run("deploy").rc == 4
    assert read(log).split()[3:] == ["opt", "2", "3"]
    os.unlink(bad)
    assert w.p.run("deploy").ok()
    # What was mended may matter to those after it.
    assert read(log).split()[6:] == ["opt", "2", "3"]
    assert w.p.run("deploy").ok() and len(read(log).split()) == 9
    # Only what is new in the configuration is done, and what comes after it.
    actions = w.p.config["defaults"]["deploy"]
    w.configure([actions[0], {"shell": f"echo new >> {log}"}, *actions[2:]])
    w.renew()
    assert read(log).split()[9:] == ["new", "2", "3"]
    assert len(w.state()) == 4


def test_shared_actions_run_once(world):
    """Three certificates, one reload, after everything before it; lists that differ may share a unit."""
    names = ["a.test", "b.test", "c.test"]
    w = world(None)
    log = w.path("log")
    w.script("systemctl", f'echo "$*" >> {log}\n')
    env = {"PATH": w.folder + ":" + os.environ["PATH"]}
    own = [{"shell": f"echo own $PERDURE_CERTIFICATE >> {log}"}, {"systemd": {"unit": "nginx.service"}, "timeout": "9s"},
           {"shell": f"echo $PERDURE_CERTIFICATES/$PERDURE_CERTIFICATE >> {log}", "once": True}]
    w.certificates = [{"names": [names[0]]}, {"names": [names[1]]},
                      {"names": [names[2]], "deploy": [{"systemd": {"unit": "nginx.service", "action": "reload"}},
                                                       {"systemd": {"unit": "{name}.service", "action": "restart"}}]}]
    w.configure(own)
    done = w.renew(env=env)
    lines = read(log).splitlines()
    assert sorted(lines[:2]) == ["own a.test", "own b.test"]
    assert lines[2] == "--no-ask-password reload -- nginx.service" and lines.count(lines[2]) == 1
    assert sorted(lines[3:]) == ["--no-ask-password restart -- c.test.service", "a.test b.test/"]
    assert [len(w.deploys(done, n)) for n in names] == [3, 3, 2]
    w.script("systemctl", "echo 'Unit not found' >&2; exit 5\n")
    done = w.renew("--force-renewal", env=env, rc=4)
    assert done.lines()[-1]["summary"]["deploy_failed"] == 3 and "status 5: Unit not found" in done.out


def test_a_shared_action_waits_a_minute_at_most(stage):
    """The clock runs fifty times as fast: one certificate is here, the other needs minutes at its CA."""
    w = World(stage, None, binary=faults_path())
    slow = harness.TestCA(stage, authz_delay=4000)
    log = w.path("log")
    action = [{"shell": f"echo $PERDURE_CERTIFICATES >> {log}", "once": True}]
    w.p.configure({"cas": [w.ca.config_entry(), slow.config_entry(name="slow")], "dns": {"mode": "none"}, "defaults": {"deploy": action},
                   "certificates": [{"names": ["a.test"], "ca": "testca"}, {"names": ["b.test"], "ca": "slow"}]})
    harness.set_up_account(w.p, "slow")
    w.renew(env={"PERDURE_TIME_RATE": "50"})
    assert read(log).splitlines() == ["a.test", "b.test"]
    w.renew("--force-renewal")
    assert read(log).splitlines()[2:] == ["a.test b.test"]


def test_dry_run_and_no_deploy(world):
    w = world([{"shell": "exit 1"}, {"shell": "exit 0"}])
    dry = w.renew("--dry-run")
    assert [x["would_deploy"] for x in dry.lines() if "would_deploy" in x] == ["due", "due"]
    assert not [x for x in w.renew("--no-deploy").lines() if "deploy" in x]
    assert [x["state"] for x in w.state().values()] == ["due", "due"]
    assert [x["would_deploy"] for x in w.renew("--dry-run").lines() if "would_deploy" in x] == ["due", "due"]
    assert w.p.run("deploy", NAME).rc == 1
    dry = w.p.run("deploy", "--dry-run", "--json").ok()
    assert [x["would_deploy"] for x in dry.lines()] == ["due", "due"]
    # Whoever names a certificate does not wait.
    assert w.deploys(w.renew(rc=0)) == []
    assert w.deploys(w.renew(NAME, rc=4))
    assert w.p.run("delete", NAME, "--yes").ok() and w.p.run("deploy").ok()


def test_events(world):
    w = world([{"shell": "exit 0"}, {"shell": "exit 7"}])
    w.renew(rc=4)
    good, bad = [e for e in w.p.run("events", "show", "--json").ok().lines() if e.get("event", "").startswith("deploy.")]
    assert (good["event"], good["action"], good["status"], good["name"]) == ("deploy.done", "shell exit 0", 0, NAME)
    assert (bad["event"], bad["action"], bad["status"]) == ("deploy.failed", "shell exit 7", 7)


def test_the_daemon_deploys(stage, world):
    w = world(None)
    log = w.path("log")
    w.configure([{"shell": f"echo $PERDURE_CERTIFICATES >> {log}"}])
    p = w.p.start("run")
    wait_until("the deploy action", 30, lambda: read(log) == NAME + "\n")
    wait_until("the state", 30, lambda: [d["state"] for d in w.state().values()] == ["done"])
    stage.end(p)


def test_a_deploy_that_hangs_delays_no_renewal(stage):
    """The clock runs five times as fast: one service hangs for an hour, while the other certificate lives for a minute."""
    w = World(stage, None, binary=faults_path())
    short = harness.TestCA(stage, lifetime=60)
    log = w.path("log")
    w.p.configure({"cas": [w.ca.config_entry(), short.config_entry(name="short")], "dns": {"mode": "none"}, "certificates": [
        {"names": ["a.test"], "ca": "testca", "deploy": [{"shell": f"echo begun >> {log}; sleep 3600; echo ended >> {log}", "timeout": "2h"}]},
        {"names": ["b.test"], "ca": "short", "deploy": [{"shell": f"echo b >> {log}"}]}]})
    harness.set_up_account(w.p, "short")
    daemon = w.p.start("run", env={"PERDURE_TIME_RATE": "5"})
    wait_until("a renewal and its deploy action", 30, lambda: read(log).splitlines().count("b") >= 2)
    assert sorted(set(read(log).splitlines())) == ["b", "begun"]
    assert w.p.run("control", "status", "--json").ok().json()["running"]
    # What is asked for is done, too.
    generations = len(os.listdir(w.path("state/archive/a.test")))
    w.p.run("control", "renew", "--force-renewal", "a.test").ok()
    wait_until("what was asked for", 30, lambda: len(os.listdir(w.path("state/archive/a.test"))) > generations)
    stage.end(daemon)


def test_issue_deploys(world):
    w = world([{"shell": "exit 1"}])
    assert w.p.run("issue", NAME, "--no-deploy").rc == 0
    assert w.p.run("issue", NAME).rc == 4
    assert w.p.run("issue", "other.test", "--json").rc == 0


# --- files ------------------------------------------------------------------------------------------------------------------


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_copy(world):
    w = world(None)
    to = w.path("out")
    w.configure([{"copy": {"to": to + "/x/{name}", "group": os.getgid(), "mode": "0640"}},
                 {"copy": {"combined": w.path("all.pem"), "chain": w.path("chain.pem"), "cert_mode": "0444"}},
                 {"shell": f"echo reload >> {w.path('log')}"}])
    before = os.umask(0o077)
    try:
        w.renew()
    finally:
        os.umask(before)
    d = f"{to}/x/{NAME}"
    assert sorted(os.listdir(d)) == ["fullchain.pem", "privkey.pem"]
    assert read(d + "/privkey.pem") == read(w.p.live(NAME, "privkey.pem"))
    assert read(w.path("all.pem")) == read(w.p.live(NAME, "combined.pem"))
    assert (mode(d), mode(d + "/privkey.pem"), mode(d + "/fullchain.pem")) == (0o755, 0o640, 0o644)
    assert (mode(w.path("all.pem")), mode(w.path("chain.pem"))) == (0o600, 0o444)
    before = os.lstat(d + "/privkey.pem")
    # Everything is as it should be: files are left alone, and what comes after them as well.
    done = w.p.run("deploy", "--force", "--json").ok()
    assert [x["deploy"] for x in w.deploys(done)][:2] == ["unchanged", "unchanged"]
    assert os.lstat(d + "/privkey.pem").st_ino == before.st_ino
    # Somebody changed one; a link is replaced, not followed.
    os.chmod(d + "/fullchain.pem", 0o600)
    os.rename(w.path("all.pem"), w.path("elsewhere"))
    os.symlink(w.path("elsewhere"), w.path("all.pem"))
    os.unlink(w.path("elsewhere"))
    done = w.p.run("deploy", "--force", "--json").ok()
    assert [x["deploy"] for x in w.deploys(done)][:2] == ["done", "done"]
    assert mode(d + "/fullchain.pem") == 0o644 and os.lstat(d + "/privkey.pem").st_ino == before.st_ino
    assert not os.path.islink(w.path("all.pem")) and not os.path.exists(w.path("elsewhere"))
    w.renew("--force-renewal")
    assert read(d + "/privkey.pem") == read(w.p.live(NAME, "privkey.pem")) and os.lstat(d + "/privkey.pem").st_ino != before.st_ino
    assert not [f for _, _, files in os.walk(w.folder) for f in files if f.endswith(".tmp")]


def test_copy_that_cannot_be(world):
    w = world(None)
    write(w.path("file"), "")
    for action, says in [({"to": w.path("file") + "/x"}, "make the directory"), ({"key": w.path("none/key.pem")}, "No such file"),
                         ({"key": w.path("k.pem"), "owner": "no-such-user"}, 'no user "no-such-user"'),
                         ({"key": w.path("k.pem"), "group": "no-such-group"}, 'no group "no-such-group"')]:
        w.configure([{"copy": action}])
        done = w.renew("--force-renewal", rc=4)
        (line,) = w.deploys(done)
        assert says in line["error"] and line["hint"], line
    assert not os.path.exists(w.path("k.pem"))


def test_rsa_and_ec(world):
    """Two certificates for one name, each to files of its own."""
    w = world(None)
    copy = [{"copy": {"key": w.path("{name}.key"), "fullchain": w.path("{name}.crt")}}]
    w.certificates = [{"name": "site-rsa", "names": [NAME], "key": "rsa2048"}, {"name": "site-ec", "names": [NAME], "key": "ec256"}]
    w.configure(copy)
    w.renew()
    for name, algorithm in ("site-rsa", "rsaEncryption"), ("site-ec", "id-ecPublicKey"):
        text = tool("openssl", "x509", "-in", w.path(name + ".crt"), "-noout", "-text")
        assert algorithm in text and f"DNS:{NAME}" in text
        assert tool("openssl", "x509", "-in", w.path(name + ".crt"), "-noout", "-pubkey") == \
            tool("openssl", "pkey", "-in", w.path(name + ".key"), "-pubout")


def test_pem_and_pkcs12(world):
    w = world(None)
    password = write(w.path("password"), "s3cret pass\n", 0o600)
    w.configure([{"pem": {"to": w.path("{name}.pem"), "order": ["cert", "key", "chain"]}}, {"pem": {"to": w.path("default.pem")}},
                 {"pkcs12": {"to": w.path("new.p12"), "password_file": password, "alias": "tomcat"}},
                 {"pkcs12": {"to": w.path("old.p12"), "password_file": password, "legacy": True, "mode": "0640"}}])
    w.renew()
    part = {f: read(w.p.live(NAME, f + ".pem")) for f in ("cert", "privkey", "chain", "fullchain")}
    assert read(w.path(NAME + ".pem")) == part["cert"] + part["privkey"] + part["chain"]
    assert read(w.path("default.pem")) == part["privkey"] + part["fullchain"]
    key = tool("openssl", "pkey", "-in", w.p.live(NAME, "privkey.pem"), "-pubout")
    for file, alias, kind in ("new.p12", "tomcat", "PBES2, PBKDF2, AES-256-CBC"), ("old.p12", NAME, "pbeWithSHA1And3-KeyTripleDES-CBC"):
        out = tool("openssl", "pkcs12", "-in", w.path(file), "-nodes", "-password", "pass:s3cret pass")
        assert out.count("BEGIN CERTIFICATE") == part["fullchain"].count("BEGIN CERTIFICATE") and f"friendlyName: {alias}" in out
        assert tool("openssl", "pkey", "-pubout", stdin=out) == key
        info = subprocess.run(["openssl", "pkcs12", "-in", w.path(file), "-info", "-noout", "-password", "pass:s3cret pass"],
                                      capture_output=True, text=True, check=True).stderr
        assert kind in info and f"MAC: {'sha1' if file == 'old.p12' else 'sha256'}" in info, info
    assert mode(w.path("new.p12")) == 0o600 and mode(w.path("old.p12")) == 0o640
    os.chmod(password, 0o644)
    assert "others" in w.deploys(w.renew("--force-renewal", rc=4))[2]["error"]


def test_a_foreign_request_has_no_key(world):
    w = world([{"copy": {"fullchain": "/dev/null/x"}, "optional": True}, {"copy": {"to": "/nowhere"}}])
    key, csr = w.path("k"), w.path("csr")
    tool("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", csr, "-subj", "/", "-addext", f"subjectAltName=DNS:{NAME}")
    w.certificates = [{"names": [NAME]}]
    w.configure(w.p.config["defaults"]["deploy"])
    assert w.p.run("issue", "--csr", csr, "--name", "x").rc == 0
    w.certificates = [{"name": "x", "names": [NAME]}]
    w.configure(w.p.config["defaults"]["deploy"])
    done = w.p.run("deploy", "--json")
    assert done.rc == 1 and "private key of x is not here" in w.deploys(done, "x")[1]["error"]


# --- other places -----------------------------------------------------------------------------------------------------------


def test_kubernetes(stage, world):
    k = Kubernetes(stage)
    w = world(None)
    token = write(w.path("token"), k.token + "\n", 0o600)
    where = {"secret": "web-tls", "namespace": "web", "server": k.url, "token_file": token, "ca_file": k.ca_file}
    w.configure([{"kubernetes": where}])
    w.renew()
    data = k.secrets["web", "web-tls"]["data"]
    assert base64.b64decode(data["tls.crt"]).decode() == read(w.p.live(NAME, "fullchain.pem"))
    assert base64.b64decode(data["tls.key"]).decode() == read(w.p.live(NAME, "privkey.pem"))
    # What the server says no to, in its words.
    for change, status, says in [
            (lambda: setattr(k, "token", "other"), 401, "Unauthorized"),
            (lambda: setattr(k, "refuse", (403, "Forbidden", 'secrets "web-tls" is forbidden')), 403, "is forbidden"),
            (lambda: setattr(k, "refuse", (503, "ServiceUnavailable", "etcd is \033[1m away")), 503, "etcd is"),
            (lambda: k.secrets["web", "web-tls"].update(manager="kubectl"), 409, 'conflict with "kubectl"'),
            (lambda: k.secrets["web", "web-tls"].update(type="Opaque"), 422, "immutable"),
            (k.namespaces.clear, 404, "not found")]:
        change()
        done = w.renew("--force-renewal", rc=4)
        (line,) = w.deploys(done)
        assert f"status {status}: " in line["error"] and says in line["error"], line
        k.token, k.refuse = "secret-token", None
    k.namespaces.add("web")
    k.secrets["web", "web-tls"].update(type="kubernetes.io/tls", manager="kubectl")
    w.configure([{"kubernetes": {**where, "force": True}}])
    assert w.p.run("deploy").ok() and k.secrets["web", "web-tls"]["manager"] == "perdure"
    w.configure([{"kubernetes": {**where, "secret": "{name}_x"}}])
    assert "cannot be the name of a Secret" in w.p.run("deploy").err
    os.chmod(token, 0o644)
    w.configure([{"kubernetes": where}])
    assert "others" in w.p.run("deploy").err
    # Outside of a pod, what is not given is missing; in one, the environment names the server.
    w.configure([{"kubernetes": {"secret": "s"}}])
    assert "this is no pod" in w.p.run("deploy").err
    os.chmod(token, 0o600)
    w.configure([{"kubernetes": {**{key: v for key, v in where.items() if key != "server"}, "secret": "pod-tls"}}])
    assert w.p.run("deploy", env={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(k.port)}).ok()
    assert ("web", "pod-tls") in k.secrets
    assert k.wrong == []


def test_certbot_hooks(world):
    w = world(None)
    log, hooks = w.path("log"), w.path("hooks")
    os.mkdir(hooks)
    line = f'echo "$(basename $0) $RENEWED_LINEAGE $RENEWED_DOMAINS" >> {log}\n'
    for name in ("10-b", "02-a", "B", "a~"):
        w.script("hooks/" + name, line)
    w.script("hooks/20-fails", line + "echo no luck >&2; exit 1\n")
    write(hooks + "/README", "not a hook")
    os.mkdir(hooks + "/30-directory")
    w.configure([{"certbot_hooks": {"directory": hooks, "shell": f"echo own $RENEWED_DOMAINS >> {log}"}}])
    done = w.renew(rc=4)
    live = os.path.join(w.p.state_dir, "live", NAME)
    domains = f"{NAME} www.{NAME}"
    assert read(log).splitlines() == [f"{h} {live} {domains}" for h in ("02-a", "10-b", "20-fails", "B")] + [f"own {domains}"]
    assert "20-fails ended with status 1: no luck" in w.deploys(done)[0]["error"]
    os.unlink(hooks + "/20-fails")
    assert w.p.run("deploy").ok() and len(read(log).splitlines()) == 9


def test_lego_hook(world):
    w = world([{"lego_hook": ["/usr/bin/env"]}])
    (line,) = w.deploys(w.renew())
    env = {k: v for k, _, v in (x.partition("=") for x in line["output"].splitlines()) if k.startswith("LEGO_")}
    live = os.path.join(w.p.state_dir, "live", NAME)
    paths = {"CERT_PATH": "fullchain", "CERT_KEY_PATH": "privkey", "ISSUER_CERT_PATH": "chain", "CERT_PEM_PATH": "combined"}
    assert env == {
        "LEGO_ACCOUNT_EMAIL": "ops@a.test", "LEGO_HOOK_ACCOUNT_EMAIL": "ops@a.test", "LEGO_HOOK_ACCOUNT_ID": "ops@a.test",
        "LEGO_HOOK_ACCOUNT_SERVER": w.ca.dir_url, "LEGO_CERT_DOMAIN": NAME, "LEGO_HOOK_CERT_NAME": NAME,
        "LEGO_HOOK_CERT_NAME_SANITIZED": NAME, "LEGO_HOOK_CERT_KEY_TYPE": "EC256", "LEGO_HOOK_CERT_DOMAINS": f"{NAME},www.{NAME}",
        **{head + key: f"{live}/{file}.pem" for head in ("LEGO_", "LEGO_HOOK_") for key, file in paths.items()}}


# --- services ---------------------------------------------------------------------------------------------------------------


class Nginx:
    """A real one, with an RSA and an EC certificate for one name; reload() as its unit does it."""

    def __init__(self, stage, folder):
        self.folder, self.port = folder, harness.free_port()
        self.pid_file = os.path.join(folder, "nginx.pid")
        self.conf = write(os.path.join(folder, "nginx.conf"), f"""
            pid {self.pid_file}; error_log {folder}/error.log; daemon off; worker_processes 1; events {{ }}
            http {{
                access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
                uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
                server {{ listen 127.0.0.1:{self.port} ssl; server_name {NAME};
                    ssl_certificate {folder}/rsa.crt; ssl_certificate_key {folder}/rsa.key;
                    ssl_certificate {folder}/ec.crt; ssl_certificate_key {folder}/ec.key; }}
            }}""")
        for name, how in ("rsa", ["rsa:2048"]), ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]):
            tool("openssl", "req", "-x509", "-newkey", *how, "-nodes", "-days", "9", "-subj", "/CN=old", "-addext",
                 f"subjectAltName=DNS:{NAME}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt")
        self.process = stage.spawn(["/usr/sbin/nginx", "-p", folder, "-c", self.conf], os.path.join(folder, "nginx.log"))
        wait_until("nginx", 20, lambda: read(self.pid_file).strip())

    def serial(self, kind):
        out = tool("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", NAME, "-tls1_2", "-cipher", "a" + kind, stdin="")
        return tool("openssl", "x509", "-noout", "-serial", stdin=out)


def test_nginx_serves_the_new_certificates(stage, world):
    """Copied, reloaded once for both, and looked for at the service, each of the two by its kind of key."""
    if not os.access("/usr/sbin/nginx", os.X_OK):
        pytest.skip("NO TEST WITH A REAL SERVICE: nginx is not installed")
    w = world(None)
    nginx = Nginx(stage, stage.folder("nginx"))
    log = w.path("log")
    w.script("systemctl", f'echo "$*" >> {log}; test -e {w.path("idle")} || kill -HUP $(cat {nginx.pid_file})\n')
    env = {"PATH": w.folder + ":" + os.environ["PATH"]}
    w.certificates = [{"name": "rsa", "names": [NAME], "key": "rsa2048"}, {"name": "ec", "names": [NAME]}]
    w.configure([{"copy": {"key": nginx.folder + "/{name}.key", "fullchain": nginx.folder + "/{name}.crt"}},
                 {"systemd": {"unit": "nginx.service"}, "probe": {"connect": f"127.0.0.1:{nginx.port}", "timeout": "20s"}}])
    done = w.renew(env=env)
    assert read(log).splitlines() == ["--no-ask-password reload -- nginx.service"]
    for name, kind in ("rsa", "RSA"), ("ec", "ECDSA"):
        assert [x["deploy"] for x in w.deploys(done, name)] == ["done", "done"]
        assert nginx.serial(kind) == tool("openssl", "x509", "-in", w.p.live(name, "cert.pem"), "-noout", "-serial")
    # A reload that did not happen is found out, and is made up for.
    write(w.path("idle"), "")
    text = w.p.config["defaults"]["deploy"]
    text[1]["probe"]["timeout"] = "1s"
    w.configure(text)
    done = w.renew("--force-renewal", env=env, rc=4)
    assert all("not the new one" in w.deploys(done, name)[1]["error"] for name in ("rsa", "ec"))
    os.unlink(w.path("idle"))
    text[1]["probe"]["timeout"] = "20s"
    w.configure(text)
    assert w.p.run("deploy", env=env).ok()
    assert nginx.serial("ECDSA") == tool("openssl", "x509", "-in", w.p.live("ec", "cert.pem"), "-noout", "-serial")


class Greeter(socketserver.StreamRequestHandler):
    """A double: just enough of three protocols to come to TLS."""

    WORDS = {"smtp": (b"220 hello", b"STARTTLS", b"220 go"), "imap": (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hello", b"STARTTLS", b"%s OK go"),
             "pop3": (b"+OK hello", b"STLS", b"+OK go")}

    def talk(self, lines, out):
        """Answers with what it can do until TLS is asked for."""
        _, word, go = self.WORDS[self.server.protocol]
        for line in lines:
            tag = line.split()[0]
            if word in line.upper():
                out.write((go % tag if b"%s" in go else go) + b"\r\n")
                return
            out.write({"smtp": b"250-a.test\r\n250 STARTTLS", "imap": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n" + tag + b" OK",
                       "pop3": b"+OK\r\nSTLS\r\n."}[self.server.protocol] + b"\r\n")
            out.flush()

    def handle(self):
        self.wfile.write(self.WORDS[self.server.protocol][0] + b"\r\n")
        self.talk(self.rfile, self.wfile)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.pair)
        with contextlib.suppress(OSError), context.wrap_socket(self.connection, server_side=True) as s, s.makefile("rwb") as f:
            self.talk(f, f)


@pytest.mark.parametrize("protocol", ["smtp", "imap", "pop3"])
def test_probe_by_starttls(world, protocol):
    w = world([])
    w.renew()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeter) as server:
        server.daemon_threads, server.protocol, server.pair = True, protocol, w.p.live(NAME, "combined.pem")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        probe = {"connect": f"127.0.0.1:{server.server_address[1]}", "timeout": "2s"}
        w.configure([{"probe": {**probe, "starttls": protocol}}])
        w.renew()
        w.configure([{"probe": probe}])  # TLS from the beginning is something else
        w.renew(rc=4)
        server.shutdown()


def test_probe_alone(world):
    port = harness.free_port()
    w = world([{"probe": {"connect": f"127.0.0.1:{port}", "timeout": "1s"}}])
    (line,) = w.deploys(w.renew(rc=4))
    assert line["kind"] == "probe" and "no connection" in line["error"] and line["exit_status"] is None


# --- killed -----------------------------------------------------------------------------------------------------------------


def test_killed(stage):
    """Wherever it is killed, the next run deploys what was not deployed, and key and certificate are of one generation in the end."""
    w = World(stage, None, binary=faults_path())
    log = w.path("log")
    w.configure([{"copy": {"to": w.path("out")}}, {"shell": f"echo $PERDURE_GENERATION >> {log}"}])
    w.renew()
    for generation, point in enumerate(["issue.finished", "deploy.renamed", "deploy.acted", "deploy.recorded"], 2):
        hit = w.p.run("renew", "--force-renewal", "--json", env={"PERDURE_FAULT": point})
        assert hit.rc == -signal.SIGKILL, hit
        w.renew()
        assert read(log).split()[-1] == str(generation)
        for file in "privkey.pem", "fullchain.pem":
            assert read(w.path("out/" + file)) == read(w.p.live(NAME, file))
        assert all(d["state"] == "done" for d in w.state().values())
        assert sorted(os.listdir(w.path("out"))) == ["fullchain.pem", "privkey.pem"]
        assert len(os.listdir(os.path.join(w.p.state_dir, "archive", NAME))) == generation


def test_stopped_by_a_signal(world):
    """The program is killed with it, nothing is recorded, and the next run does it."""
    w = world(None)
    started = w.path("started")
    hook = w.script("hook", f"echo $$ > {started}; sleep 1000\n")
    w.configure([{"command": [hook]}])
    p = w.p.start("renew", "--json")
    wait_until("the hook", 30, lambda: read(started).strip())
    p.send_signal(signal.SIGTERM)
    assert p.wait(20) is not None
    wait_until("the hook's end", 10, lambda: not os.path.exists(f"/proc/{read(started).strip()}"))
    assert [d["state"] for d in w.state().values()] == ["due"]
    w.script("hook", "exit 0\n")
    assert w.deploys(w.renew())[0]["deploy"] == "done"
