"""
`record apply` through DNS hooks of acme.sh (provider type acme-sh). Three unmodified scripts run in front of real servers: those of Debian's
package, which tools/bootstrap.sh unpacks, or of the folder that $ACME_SH names. What scripts do wrong is shown by a stand-in: a few lines of our own
in the places where a checkout has its files, which do what the driver counts on, in front of a real Knot.
"""
import os
import subprocess

import pytest

import harness
from dns_servers import Bind, Knot, PowerDNS, values
from foreign_clients import TOOLS
from small_servers import Directory

FOREIGN = '"v=spf1 -all" "second \\"string\\""'

# As in a checkout: it keeps what it is told to in a file, and ends by running its arguments.
STAND_IN = """#!/usr/bin/env sh
_info() { echo "$@"; }
_keep() { echo "SAVED_$1='$2'" >>"$ACCOUNT_CONF_PATH"; }
main() { if [ -n "$1" ]; then "$@"; else echo usage; exit 1; fi; }
main "$@"
"""
HOOK = """#!/usr/bin/env sh
dns_ours_add() {
  _info "adding $1"
  _keep KEY "$STAND_IN_KEY"
  echo "$HOME $ACCOUNT_CONF_PATH $(umask)" >>"$NOTES"
  [ "$BEHAVE" != fail ] || { echo "bad key: $STAND_IN_KEY" >&2; return 1; }
  wipe=
  [ "$BEHAVE" != wipe ] || wipe="update delete $1. TXT"
  nsupdate -v <<END
server 127.0.0.1 $STAND_IN_PORT
key $STAND_IN_KEY
$wipe
update add $1. 60 TXT "$2"
send
END
}
dns_ours_rm() { echo removed >>"$NOTES"; }
"""


class World:
    def __init__(self, stage, make_knot, hook="dns_ours", path=None):
        self.stage = stage
        self.zones = ["w00.bench.test", "w01.bench.test"]
        self.knot = make_knot(self.zones, records={"w01.bench.test": [f"_validation-persist TXT {FOREIGN}"]})
        self.ca = Directory(stage)
        self.folder = stage.folder("checkout")
        self.temp = stage.folder("temp")
        self.notes = os.path.join(self.temp, "notes")
        self.env_file = os.path.join(self.temp, "env")
        self.variables()
        if not path:
            path = self.folder
            os.makedirs(os.path.join(path, "dnsapi"))
            harness.write(os.path.join(path, "acme.sh"), STAND_IN, 0o755)
            harness.write(os.path.join(path, "dnsapi", "dns_ours.sh"), HOOK, 0o755)
        self.entry = {"name": "hook", "type": "acme-sh", "path": path, "hook": hook, "env_file": self.env_file, "timeout": "20s",
                      "server": f"127.0.0.1@{self.knot.port}"}
        self.config = {"cas": [self.ca.config_entry()], "dns": {"stubs": [self.knot.stub()]}, "providers": [self.entry],
                       "certificates": [{"names": [z, "*." + z]} for z in self.zones]}
        self.p = harness.Perdure(stage, self.config)
        self.value = f'"ca.test;accounturi={self.ca.base}/acct/1;policy=wildcard"'

    def variables(self, **more):
        every = {"STAND_IN_PORT": self.knot.port, "STAND_IN_KEY": f"hmac-sha256:{self.knot.tsig_name} {self.knot.tsig_secret}", "NOTES": self.notes, **more}
        harness.write(self.env_file, "".join(f"{k}={v}\n" for k, v in every.items()), 0o600)

    def owner(self, i=0):
        return "_validation-persist." + self.zones[i]

    def stands(self, i=0):
        out = subprocess.run(["kdig", "@127.0.0.1", "-p", str(self.knot.port), "+short", "+tcp", self.owner(i), "TXT"], capture_output=True, text=True,
                             timeout=20, check=True)
        return sorted(line.replace("\\;", ";") for line in out.stdout.splitlines() if line)

    def apply(self, *args, rc=0):
        done = self.p.run("record", "apply", "--yes", "--timeout", "20", *args, env={"TMPDIR": self.temp})
        assert done.rc == rc, str(done)
        assert self.knot.tsig_secret not in done.out + done.err
        assert not [f for f in os.listdir(self.temp) if f.startswith("perdure-hook")], "credentials were left behind"
        return done


@pytest.fixture
def world(stage, make_knot):
    return lambda *a, **kw: World(stage, make_knot, *a, **kw)


def test_stand_in_published_beside_what_is_there(world):
    w = world()
    before = w.stands(1)
    w.apply()
    assert w.stands(0) == [w.value] and w.stands(1) == sorted([w.value, *before])
    notes = harness.read(w.notes).splitlines()
    assert len(notes) == 2 and all(w.temp + "/perdure-hook-" in line and line.endswith("077") for line in notes)
    serials = w.knot.serials()
    w.apply()
    assert w.knot.serials() == serials and sorted(os.listdir(w.folder)) == ["acme.sh", "dnsapi"]


def test_stand_in_two_perdures_and_somebody_else_at_once(world):
    w = world()
    before = w.stands(1)
    other = harness.Perdure(w.stage, {**w.config, "cas": [w.ca.config_entry(issuer="second.test")]})
    runs = [p.start("record", "apply", "--yes", "--no-wait", "--quiet", env={"TMPDIR": w.temp}) for p in (w.p, other)]
    for k in range(6):
        w.knot.nsupdate([f'{w.owner(i)} 60 TXT "foreign {k}"' for i in range(2)])
    assert [r.wait(60) for r in runs] == [0, 0]
    wanted = [w.value, w.value.replace("ca.test", "second.test"), *(f'"foreign {k}"' for k in range(6))]
    assert [w.stands(i) for i in range(2)] == [sorted(wanted), sorted([*wanted, *before])]


def test_stand_in_removes_nothing(world):
    w = world()
    old = w.value.replace(";policy=wildcard", "")
    w.knot.nsupdate([f"{w.owner()} 60 TXT {old}"])
    (line,) = w.apply("--json", w.zones[0], "*." + w.zones[0], rc=1).lines()
    assert line["outcome"] == "failed" and "removed by hand: " + w.owner() in line["error"] and old in line["error"], line
    assert w.stands() == sorted([old, w.value]) and "removed" not in harness.read(w.notes)


def test_stand_in_damage_is_told(world):
    w = world()
    w.variables(BEHAVE="wipe")
    done = w.apply("--json", w.zones[1], rc=1)
    (line,) = done.lines()
    assert "DAMAGE" in line["error"] and FOREIGN in line["error"] and FOREIGN in done.err


def test_stand_in_fails(world):
    w = world()
    w.variables(BEHAVE="fail")
    (line,) = w.apply("--json", w.zones[0], rc=1).lines()
    assert "ended with 1: " in line["error"] and "bad key: ****" in line["error"] and w.stands() == []


def test_stand_in_that_does_not_check_certificates_is_told(world):
    w = world()
    assert "HTTPS_INSECURE" not in w.apply(w.zones[0]).err
    w.variables(HTTPS_INSECURE="1")
    assert "HTTPS_INSECURE is set" in w.apply("--quiet", w.zones[1]).err


@pytest.mark.parametrize("change, words", [
    ({"hook": "dns_duckdns"}, "cannot be used"),
    ({"hook": "dns_ours.sh"}, "no name of a hook"),
    ({"hook": "dns_other"}, "there is no "),
    ({"path": "/nonexistent"}, "there is no /nonexistent/acme.sh"),
])
def test_configurations_that_cannot_work(world, change, words):
    w = world()
    w.p.configure({**w.config, "providers": [{**w.entry, **change}]})
    done = w.p.run("provider", "test", "hook", "--zone", w.zones[0])
    assert done.rc in (1, 2) and words in done.err, str(done)


SCRIPTS = ("dns_nsupdate", "dns_knot", "dns_pdns")
ZONE = "hooks.test"  # dns_knot takes the last two labels for the zone
OWNER = "_validation-persist." + ZONE


def checkout():
    """The folder of an unmodified acme.sh with its hooks."""
    for path in (os.environ.get("ACME_SH"), os.path.join(TOOLS, "acme.sh/usr/share/acme.sh"), "/usr/share/acme.sh"):
        if path and os.path.isdir(os.path.join(path, "dnsapi")):
            return os.path.abspath(path)
    pytest.skip("NO ACME.SH: tools/bootstrap.sh test could not fetch it, and ACME_SH=FOLDER names none; only a stand-in was tested")


def server_for(stage, script, foreign=FOREIGN):
    """A real server with what others keep at the name, and the variables by which the script changes it."""
    records = {ZONE: [f"_validation-persist TXT {foreign}"]}
    if script == "dns_pdns":
        server = PowerDNS(stage, records)
        return server, server.api_key, {"PDNS_Url": server.url, "PDNS_ServerId": "localhost", "PDNS_Token": server.api_key}
    if script == "dns_knot":
        server = Knot(stage, records)
        return server, server.secret, {"KNOT_SERVER": f"127.0.0.1 {server.port}", "KNOT_KEY": f"{server.algorithm}:{server.key_name}:{server.secret}"}
    server = Bind(stage, records)
    return server, server.secret, {"NSUPDATE_SERVER": "127.0.0.1", "NSUPDATE_SERVER_PORT": server.port, "NSUPDATE_KEY": server.key_file,
                                   "NSUPDATE_OPT": "-v"}


def perdure_with(stage, script, server, variables):
    """(perdure, its temporary folder)"""
    ca, temp = Directory(stage), stage.folder("temp")
    env_file = harness.write(os.path.join(temp, "env"), "".join(f"{k}={v}\n" for k, v in variables.items()), 0o600)
    return harness.Perdure(stage, {
        "cas": [ca.config_entry()],
        "dns": {"stubs": [{"zone": ZONE, "servers": ["127.0.0.1"], "port": server.port}]},
        "providers": [{"name": "hook", "type": "acme-sh", "path": checkout(), "hook": script, "env_file": env_file, "timeout": "30s",
                       "server": f"127.0.0.1@{server.port}"}],
        "certificates": [{"names": [ZONE, "*." + ZONE]}],
    }), temp


def listing(path):
    return sorted((f, os.stat(os.path.join(path, "dnsapi", f)).st_mtime_ns) for f in os.listdir(os.path.join(path, "dnsapi")))


@pytest.mark.parametrize("script", SCRIPTS)
def test_unmodified_scripts(stage, script):
    before = listing(checkout())
    # dns_pdns writes the whole RRset anew and breaks values at their blanks: see below.
    server, secret, variables = server_for(stage, script, '"somebody-verification=k7"' if script == "dns_pdns" else FOREIGN)
    p, temp = perdure_with(stage, script, server, variables)
    foreign = values(server.port, OWNER)
    assert len(foreign) == 1
    done = p.run("record", "apply", "--yes", "--timeout", "30", env={"TMPDIR": temp})
    assert done.rc == 0, str(done)
    assert secret not in done.out + done.err
    after = values(server.port, OWNER)
    assert len(after) == 2 and foreign[0] in after and any("ca.test;accounturi=" in v for v in after), after
    # Nothing to do the second time, nothing written into the checkout, nothing left in the temporary folder.
    p.run("record", "apply", "--yes", env={"TMPDIR": temp}).ok()
    assert values(server.port, OWNER) == after
    assert listing(checkout()) == before
    assert not [f for f in os.listdir(temp) if f.startswith("perdure-hook")], "credentials were left behind"


def test_damage_by_a_real_script_is_told(stage):
    """dns_pdns of acme.sh 3.1.1 breaks values with blanks in them."""
    server, _, variables = server_for(stage, "dns_pdns")
    p, temp = perdure_with(stage, "dns_pdns", server, variables)
    done = p.run("record", "apply", "--yes", "--timeout", "30", env={"TMPDIR": temp})
    assert done.rc == 1 and "DAMAGE" in done.out and FOREIGN in done.err, str(done)
