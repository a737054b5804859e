"""The program under test, its configuration, and what it is set up with."""
import json
import os
import pty
import re
import signal
import subprocess
import time

from harness_stage import ROOT, HarnessError, Stage, tool, write


def perdure_path():
    """$PERDURE_BIN, else build/perdure."""
    path = os.path.abspath(os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure"))
    if not os.access(path, os.X_OK):
        raise HarnessError(f"no program at {path}: run make, or set PERDURE_BIN")
    return path


def plain_path():
    """The program without sanitizers, for tests that look at memory or speed: $PERDURE_PLAIN_BIN, else as perdure_path()."""
    return os.path.abspath(os.environ.get("PERDURE_PLAIN_BIN") or perdure_path())


def to_yaml(value, indent=0):
    """Dicts, lists, strings, numbers, booleans and None as YAML in block style; strings always quoted."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        out = ""
        for k, v in value.items():
            block = isinstance(v, (dict, list)) and v
            out += f"{pad}{k}:" + ("\n" + to_yaml(v, indent + 1) if block else " " + to_yaml(v) + "\n")
        return out
    if isinstance(value, list) and value:
        out = ""
        for v in value:
            if isinstance(v, (dict, list)) and v:
                out += f"{pad}-" + to_yaml(v, indent + 1)[len(pad) + 1:]
            else:
                out += f"{pad}- {to_yaml(v)}\n"
        return out
    return json.dumps(value, ensure_ascii=False)


class Done:
    """A finished run: rc, out, err (text), seconds, maxrss_kib and cpu (of the process)."""

    def __init__(self, argv, rc, out, err, seconds):
        self.argv, self.rc, self.out, self.err, self.seconds = argv, rc, out, err, seconds

    def json(self):
        """Standard output as one JSON value."""
        return json.loads(self.out)

    def lines(self):
        """Standard output as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    def ok(self):
        """Itself, after making sure that the status was 0."""
        if self.rc != 0:
            raise HarnessError(str(self))
        return self

    def __str__(self):
        return f"{' '.join(self.argv)}\nstatus {self.rc} after {self.seconds:.2f} s\n--- out\n{self.out[-8000:]}\n--- err\n{self.err[-8000:]}"


class Perdure:
    """
    The program with a configuration and a state directory of its own.

    config   a dict (or YAML text); `state_dir` is added when it is missing
    binary   instead of $PERDURE_BIN or build/perdure

    Attributes: config_file, state_dir, folder (its home).
    """

    def __init__(self, stage, config, binary=None):
        self.stage = stage
        self.binary = binary or perdure_path()
        self.folder = stage.folder("perdure")
        self.state_dir = os.path.join(self.folder, "state")
        self.config_file = os.path.join(self.folder, "perdure.yaml")
        self.configure(config)

    def configure(self, config):
        """Writes another configuration."""
        if isinstance(config, dict):
            self.config = {"state_dir": self.state_dir, **config}
            config = to_yaml(self.config)
        write(self.config_file, config)

    def command(self, *args):
        """The argument vector of a run."""
        return [self.binary, "--config", self.config_file, *map(str, args)]

    def environment(self, env=None):
        """What the program sees: no variable of the user's but the sanitizers' and the path."""
        keep = {k: v for k, v in os.environ.items() if k in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TMPDIR")}
        return {**keep, "HOME": self.folder, "LANG": "C.UTF-8", "TZ": "UTC", **(env or {})}

    def run(self, *args, env=None, input=None, timeout=120, wrap=(), check_sanitizer=True):
        """
        Runs `perdure --config FILE args...` to its end and returns a Done. Killed after `timeout` seconds (HarnessError).
        wrap: a command in front, such as ["strace", "-f"]. A sanitizer report is a HarnessError whatever the status.
        """
        argv = [*wrap, *self.command(*args)]
        start = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, cwd=self.folder,
                             env=self.environment(env))
        with self.stage.lock:
            self.stage.processes.append(p)
        try:
            out, err = p.communicate(input, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            raise HarnessError(f"killed after {timeout} s: {Done(argv, p.returncode, out, err, timeout)}") from None
        finally:
            Stage.end(p, 0)
            with self.stage.lock:
                if p in self.stage.processes:
                    self.stage.processes.remove(p)
        done = Done(argv, p.returncode, out, err, time.monotonic() - start)
        if check_sanitizer and re.search(r"ERROR: (Address|Leak)Sanitizer|runtime error: ", err):
            raise HarnessError(f"sanitizer report: {done}")
        return done

    def start(self, *args, env=None, log=None, wrap=()):
        """Starts it and returns the Popen (end it with stage.end, or kill it); output goes to .folder/run.log."""
        return self.stage.spawn([*wrap, *self.command(*args)], log or os.path.join(self.folder, "run.log"),
                                env=self.environment(env), cwd=self.folder)

    def on_terminal(self, *args, timeout=120):
        """Runs it with a terminal for its standard error: (exit status, standard output, octets that the terminal got)."""
        ours, theirs = pty.openpty()
        done = subprocess.Popen(self.command(*args), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, env=self.environment(), cwd=self.folder)
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        out = done.communicate(timeout=timeout)[0].decode()
        return done.returncode, out, seen

    def live(self, name, file):
        """The path of a file of a lineage: live("w01.bench.test", "fullchain.pem")."""
        return os.path.join(self.state_dir, "live", name, file)


def record_verdict(answer):
    """
    Of a line of `check --json`: the verdict on the records alone, whatever CAA or DNSSEC make of the name. The whole verdict may be
    worse, never better.
    """
    whole, record = answer["verdict"], answer["record_verdict"]
    if record != whole and whole == "accepted":
        raise HarnessError(f"accepted although the records are not: {answer}")
    return record


def p_config(ca, knot, names, ca_options=None, **more):
    """A configuration: one CA, Knot as stub, and a certificate {name, *.name} for each name."""
    entry = ca.config_entry(**(ca_options or {}))
    return {
        "cas": [entry],
        "dns": {"stubs": [knot.stub()]},
        "defaults": {"ca": [entry["name"]]},
        "certificates": [{"name": n, "names": [n, "*." + n]} for n in names],
        **more,
    }


def set_up_account(p, ca_name=None):
    """Registers the account at a CA: the first of the configuration when none is named."""
    ca_name = ca_name or p.config["cas"][0]["name"]
    return p.run("account", "register", "--ca", ca_name, "--agree-tos").ok()


def publish_records(p, knot):
    """Publishes every line of `record show`; returns the lines."""
    lines = [line for line in p.run("record", "show", "--all", "--format", "zone").ok().out.splitlines()
             if line.strip() and not line.startswith(";")]
    if lines:
        knot.nsupdate(lines)
    return lines


def verify_chain(p, name, roots, names):
    """Checks live/NAME with openssl: key and certificate match, chain verifies up to `roots`, exactly these SANs."""
    cert, chain, key = (p.live(name, f) for f in ("cert.pem", "chain.pem", "privkey.pem"))
    tool("openssl", "verify", "-CAfile", roots, "-untrusted", chain, cert)
    if tool("openssl", "x509", "-in", cert, "-noout", "-pubkey") != tool("openssl", "pkey", "-in", key, "-pubout"):
        raise HarnessError(f"{name}: the key is not the certificate's")
    text = tool("openssl", "x509", "-in", cert, "-noout", "-ext", "subjectAltName")
    found = sorted(re.findall(r"DNS:([^\s,]+)", text))
    if found != sorted(names):
        raise HarnessError(f"{name}: names in the certificate are {found}, asked for {sorted(names)}")
    return tool("openssl", "x509", "-in", cert, "-noout", "-serial").strip().partition("=")[2]
