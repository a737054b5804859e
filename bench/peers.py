"""
Other ACME clients on the same renewals: one Pebble, which looks every record up at Knot. They prove themselves by dns-01, with
hooks that write to Knot by one dynamic update each and take it back; perdure by its standing records. Waits that can be turned
off are. What cannot be had or does not work is in the table with the reason.
"""
import os
import re
import shutil
import subprocess

from from_sid import from_sid
from harness import HarnessError
from measure import alternate, counted, median, run, spread

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# By name, with the reason.
NOT_TO_BE_HAD = {"lego 5, dns-persist-01": "neither Debian nor the Go module proxy has version 5"}


class Peer:
    """A client in a folder of its own: setup() has it ready with an account, first() issues everything, renew() does so again, and
    for idle() nothing is due. Where newest is set, Debian unstable's is taken if it can be had."""

    name, needs, newest = "", (), False

    def __init__(self, stage, fleet):
        self.fleet, self.folder = fleet, stage.folder(self.name)
        self.program = self.newest_program() if self.newest else [self.name]
        knot = fleet.knot
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder, "LANG": "C.UTF-8"}
        update = f'printf "server 127.0.0.1 {knot.port}\\nzone %s.\\nttl 60\\n%s\\nsend\\n" "$zone" "$1" | knsupdate -k {knot.tsig_file}\n'
        self.update = "update() {\n" + update + "}\n"
        self.setup()

    def setup(self):
        """Files and account."""

    def first(self):
        return self.renew()

    def newest_program(self):
        try:
            return from_sid("client", self.name)
        except HarnessError:
            return [self.name]

    def version(self):
        said = subprocess.run([*self.program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        found = re.search(r"\d+\.\d+(\.\d+)*", said.stdout + said.stderr)
        return found[0] if found else "?"

    def script(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def call(self, *argv):
        return run(list(argv), env=self.env, cwd=self.folder, errors=True)


class Dehydrated(Peer):
    """dehydrated: shell, openssl and curl."""

    name, needs = "dehydrated", ("dehydrated", "curl")

    def setup(self):
        hook = self.script("hook", self.update + 'zone=$2\ncase $1 in\n'
                           'deploy_challenge) update "add _acme-challenge.$zone. TXT \\"$4\\"" ;;\n'
                           'clean_challenge) update "del _acme-challenge.$zone. TXT" ;;\nesac\n')
        self.file("domains.txt", "".join(f"*.{z} > {z}\n" for z in self.fleet.zones))
        config = self.file("config", f'CA="{self.fleet.ca.dir_url}"\nCURL_OPTS="--cacert {self.fleet.ca.ca_bundle}"\nBASEDIR="{self.folder}"\n'
                           f'CHALLENGETYPE="dns-01"\nHOOK="{hook}"\nKEY_ALGO="prime256v1"\n')
        self.base = ("dehydrated", "-f", config)
        self.call(*self.base, "--register", "--accept-terms")

    def renew(self):
        return self.call(*self.base, "-c", "-x")

    def idle(self):
        return self.call(*self.base, "-c")


class Certbot(Peer):
    """certbot: Python, with its manual plug-in; one process per certificate for the first issue, one for all renewals."""

    name, needs = "certbot", ("certbot",)

    def setup(self):
        self.env["REQUESTS_CA_BUNDLE"] = self.fleet.ca.ca_bundle
        hook = self.update + 'zone=$CERTBOT_DOMAIN\n'
        auth = self.script("auth", hook + 'update "add _acme-challenge.$zone. TXT \\"$CERTBOT_VALIDATION\\""\n')
        clean = self.script("clean", hook + 'update "del _acme-challenge.$zone. TXT"\n')
        dirs = " ".join(f"--{d}-dir {self.folder}/{d}" for d in ("config", "work", "logs"))
        server = f"--server {self.fleet.ca.dir_url} --agree-tos --register-unsafely-without-email"
        self.call(self.script("register", f"exec certbot register -n {dirs} {server}\n"))
        self.each = self.script("each", "set -e\n" + "".join(
            f"certbot certonly -n {dirs} {server} --manual --preferred-challenges dns --manual-auth-hook {auth} --manual-cleanup-hook {clean} "
            f"-d '*.{zone}'\n" for zone in self.fleet.zones))
        self.due = self.script("due", f"exec certbot renew -n --no-random-sleep-on-renew {dirs} \"$@\"\n")

    def first(self):
        return self.call(self.each)

    def renew(self):
        return self.call(self.due, "--force-renewal")

    def idle(self):
        return self.call(self.due)


class Lego(Peer):
    """lego, one process per certificate, with its own RFC 2136 client."""

    name, needs, newest = "lego", ("lego",), True

    def setup(self):
        with open(self.fleet.knot.tsig_file, encoding="ascii") as f:
            algorithm, key, secret = f.read().strip().split(":", 2)
        server = f"127.0.0.1:{self.fleet.knot.port}"
        self.env.update(LEGO_CA_CERTIFICATES=self.fleet.ca.ca_bundle, RFC2136_NAMESERVER=server, RFC2136_TSIG_KEY=key,
                        RFC2136_TSIG_ALGORITHM=algorithm + ".", RFC2136_TSIG_SECRET=secret, RFC2136_POLLING_INTERVAL="1",
                        RFC2136_SEQUENCE_INTERVAL="0")
        base = (f"{' '.join(self.program)} --accept-tos --email bench@bench.test --server {self.fleet.ca.dir_url} --path {self.folder}/lego --dns rfc2136 "
                f"--dns.disable-cp --dns.resolvers {server}")

        def each(what):
            return "set -e\n" + "".join(f"{base} -d '*.{z}' {what}\n" for z in self.fleet.zones)

        self.scripts = {what: self.script(what, each(how)) for what, how in (
            ("first", "run"), ("all", "renew --days 9999 --no-random-sleep"), ("due", "renew --no-random-sleep"))}

    def first(self):
        return self.call(self.scripts["first"])

    def renew(self):
        return self.call(self.scripts["all"])

    def idle(self):
        return self.call(self.scripts["due"])


class Uacme(Peer):
    """uacme, one process per certificate. Its TLS library reads only the system's bundle, so that is put over by a mount of its
    own, which takes root; nothing outside its processes sees it."""

    name, needs, newest = "uacme", ("uacme", "unshare"), True

    def setup(self):
        bundle = os.path.join(self.folder, "bundle.pem")
        with open(bundle, "wb") as out:
            for path in (SYSTEM_BUNDLE, self.fleet.ca.ca_bundle):
                with open(path, "rb") as f:
                    out.write(f.read())
        hook = self.script("hook", self.update + '[ "$2" = dns-01 ] || exit 1\nzone=$3\ncase $1 in\n'
                           'begin) update "add _acme-challenge.$zone. TXT \\"$5\\"" ;;\n'
                           '*) update "del _acme-challenge.$zone. TXT" ;;\nesac\n')
        base = f"{' '.join(self.program)} -a {self.fleet.ca.dir_url} -c {self.folder}/conf -y -t EC -h {hook}"
        mount = f"set -e\nmount --bind {bundle} {SYSTEM_BUNDLE}\n"
        self.all = self.script("all", mount + "".join(f"{base} -f issue '*.{zone}'\n" for zone in self.fleet.zones))
        # Its status is 1 for a certificate that is not due.
        self.due = self.script("due", mount + "".join(f"{base} issue '*.{zone}' || [ $? = 1 ]\n" for zone in self.fleet.zones))
        self.call("unshare", "-m", self.script("account", f"{mount}{base} new\n"))

    def renew(self):
        return self.call("unshare", "-m", self.all)

    def idle(self):
        return self.call("unshare", "-m", self.due)


def reason(error):
    """What the client said last before it gave up."""
    lines = [line.strip() for line in str(error).partition(": status ")[2].partition(": ")[2].splitlines() if line.strip()] or str(error).splitlines()
    telling = [line for line in lines if any(w in line.lower() for w in ("error", "fail", "invalid"))] or lines
    return telling[0][:200].replace("|", "/")


def begin(stage, fleet, kind):
    """(client, None), with .begun the run that issued everything; or (None, why not)."""
    lacking = [p for p in kind.needs if not shutil.which(p)]
    if lacking:
        return None, f"there is no {' and no '.join(lacking)} here"
    if kind is Uacme and os.geteuid() != 0:
        return None, "needs root, to have it trust this Pebble"
    try:
        client = kind(stage, fleet)
        client.begun = counted(fleet, client.first)
        return client, None
    except RuntimeError as e:
        return None, f"it fails at this Pebble: {reason(e)}"


def renewals(report, got, n):
    wall, cpu = (median([getattr(r, what) for r in got["perdure"]]) for what in ("wall", "cpu"))
    report.table("client", "wall s, median (lowest to highest)", "CPU s of all its processes", "ACME requests for each", "DNS writes for each",
                 "wall, times perdure's", "CPU, times perdure's")
    for name, runs in got.items():
        walls, cpus = [r.wall for r in runs], [r.cpu for r in runs]
        requests, writes = runs[-1].requests, runs[-1].writes
        report.row(name, spread(walls), spread(cpus), f"{requests / n:.1f}", f"{writes / n:g}", f"{median(walls) / wall:.1f}",
                   f"{median(cpus) / cpu:.1f}")
        report.keep(name, {"wall": walls, "cpu": cpus, "requests": requests, "dns_writes": writes})


def around(report, begun, idle, n):
    """The first issues, once each, and runs for which nothing is due."""
    report.head(f"The same {n} certificates for the first time, and when nothing is due")
    report.say("The accounts and perdure's records were there before.")
    report.say()
    report.table("client", "first issues: wall s", "CPU s", "ACME requests for each", "nothing due: wall s, median (lowest to highest)", "CPU s",
                 "ACME requests of each run")
    for name, runs in idle.items():
        first = begun[name]
        walls, cpus = [r.wall for r in runs], [r.cpu for r in runs]
        report.row(name, f"{first.wall:.2f}", f"{first.cpu:.2f}", f"{first.requests / n:.1f}", spread(walls, 3), spread(cpus, 3), ", ".join(str(r.requests) for r in runs))
        report.keep(f"{name}, around", {"first": {"wall": first.wall, "cpu": first.cpu, "requests": first.requests},
                                        "idle": {"wall": walls, "cpu": cpus, "requests": [r.requests for r in runs]}})


def compare(report, stage, fleet, times):
    """Tables of perdure and the peers that are here, in turn."""
    n = len(fleet.zones)
    report.head(f"Renewing {n} wildcard certificates, other clients on the same Pebble and the same Knot")
    clients, begun, refused = {"perdure": fleet}, {"perdure": fleet.first}, dict(NOT_TO_BE_HAD)
    for kind in (Uacme, Lego, Dehydrated, Certbot):
        client, why = begin(stage, fleet, kind)
        if client:
            name = f"{kind.name} {client.version()}"
            clients[name], begun[name] = client, client.begun
        else:
            refused[kind.name] = why
    idle = alternate(times, **{name: lambda c=c: counted(fleet, c.idle) for name, c in clients.items()})
    renewals(report, alternate(times, **{name: lambda c=c: counted(fleet, c.renew) for name, c in clients.items()}), n)
    for name, why in refused.items():
        report.row(name, f"not measured: {why}", "", "", "", "", "")
        report.keep(name, {"not measured": why})
    around(report, begun, idle, n)
