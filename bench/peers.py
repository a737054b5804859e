"""
Other ACME clients on the same renewals: one Pebble, which looks every record up at Knot. They prove themselves by dns-01, with
hooks that write to Knot by one dynamic update each and take it back; perdure by its standing records. Waits that can be turned
off are. What cannot be had or does not work is in the table with the reason.
"""
import os
import shutil

from measure import alternate, median, run, spread

SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Peer:
    """A client in a folder of its own: first() sets it up and issues everything, renew() issues everything again."""

    name, needs = "", ()

    def __init__(self, stage, fleet):
        self.fleet, self.folder = fleet, stage.folder(self.name)
        knot = fleet.knot
        self.env = {"PATH": os.environ["PATH"], "HOME": self.folder, "LANG": "C.UTF-8"}
        update = f'printf "server 127.0.0.1 {knot.port}\\nzone %s.\\nttl 60\\n%s\\nsend\\n" "$zone" "$1" | knsupdate -k {knot.tsig_file}\n'
        self.update = "update() {\n" + update + "}\n"
        self.setup()

    def setup(self):
        """Files and account."""

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
        self.renew()

    def renew(self):
        return self.call(*self.base, "-c", "-x")


class Certbot(Peer):
    """certbot: Python, with its manual plug-in."""

    name, needs = "certbot", ("certbot",)

    def setup(self):
        self.env["REQUESTS_CA_BUNDLE"] = self.fleet.ca.ca_bundle
        hook = self.update + 'zone=$CERTBOT_DOMAIN\n'
        auth = self.script("auth", hook + 'update "add _acme-challenge.$zone. TXT \\"$CERTBOT_VALIDATION\\""\n')
        clean = self.script("clean", hook + 'update "del _acme-challenge.$zone. TXT"\n')
        self.dirs = tuple(w for d in ("config", "work", "logs") for w in (f"--{d}-dir", os.path.join(self.folder, d)))
        for zone in self.fleet.zones:
            self.call("certbot", "certonly", "-n", *self.dirs, "--server", self.fleet.ca.dir_url, "--agree-tos",
                      "--register-unsafely-without-email", "--manual", "--preferred-challenges", "dns", "--manual-auth-hook", auth,
                      "--manual-cleanup-hook", clean, "-d", "*." + zone)

    def renew(self):
        return self.call("certbot", "renew", "-n", "--force-renewal", "--no-random-sleep-on-renew", *self.dirs)


class Lego(Peer):
    """lego, one process per certificate, with its own RFC 2136 client."""

    name, needs = "lego", ("lego",)

    def setup(self):
        with open(self.fleet.knot.tsig_file, encoding="ascii") as f:
            algorithm, key, secret = f.read().strip().split(":", 2)
        server = f"127.0.0.1:{self.fleet.knot.port}"
        self.env.update(LEGO_CA_CERTIFICATES=self.fleet.ca.ca_bundle, RFC2136_NAMESERVER=server, RFC2136_TSIG_KEY=key,
                        RFC2136_TSIG_ALGORITHM=algorithm + ".", RFC2136_TSIG_SECRET=secret, RFC2136_POLLING_INTERVAL="1",
                        RFC2136_SEQUENCE_INTERVAL="0")
        base = (f"lego --accept-tos --email bench@bench.test --server {self.fleet.ca.dir_url} --path {self.folder}/lego --dns rfc2136 "
                f"--dns.disable-cp --dns.resolvers {server}")

        def each(what):
            return "set -e\n" + "".join(f"{base} -d '*.{z}' {what}\n" for z in self.fleet.zones)

        self.all = self.script("all", each("renew --days 9999 --no-random-sleep"))
        self.call(self.script("first", each("run")))

    def renew(self):
        return self.call(self.all)


class Uacme(Peer):
    """uacme, one process per certificate. Its TLS library reads only the system's bundle, so that is put over by a mount of its
    own, which takes root; nothing outside its processes sees it."""

    name, needs = "uacme", ("uacme", "unshare")

    def setup(self):
        bundle = os.path.join(self.folder, "bundle.pem")
        with open(bundle, "wb") as out:
            for path in (SYSTEM_BUNDLE, self.fleet.ca.ca_bundle):
                with open(path, "rb") as f:
                    out.write(f.read())
        hook = self.script("hook", self.update + '[ "$2" = dns-01 ] || exit 1\nzone=$3\ncase $1 in\n'
                           'begin) update "add _acme-challenge.$zone. TXT \\"$5\\"" ;;\n'
                           '*) update "del _acme-challenge.$zone. TXT" ;;\nesac\n')
        base = f"uacme -a {self.fleet.ca.dir_url} -c {self.folder}/conf -y -t EC -h {hook}"
        mount = f"set -e\nmount --bind {bundle} {SYSTEM_BUNDLE}\n"
        self.all = self.script("all", mount + "".join(f"{base} -f issue '*.{zone}'\n" for zone in self.fleet.zones))
        self.call("unshare", "-m", self.script("account", f"{mount}{base} new\n"))
        self.renew()

    def renew(self):
        return self.call("unshare", "-m", self.all)


def reason(error):
    """What the client said last before it gave up."""
    lines = [line.strip() for line in str(error).partition(": status ")[2].partition(": ")[2].splitlines() if line.strip()] or str(error).splitlines()
    telling = [line for line in lines if any(w in line.lower() for w in ("error", "fail", "invalid"))] or lines
    return telling[0][:200].replace("|", "/")


def begin(stage, fleet, kind):
    """(client, None) or (None, why not)."""
    lacking = [p for p in kind.needs if not shutil.which(p)]
    if lacking:
        return None, f"there is no {' and no '.join(lacking)} here"
    if kind is Uacme and os.geteuid() != 0:
        return None, "needs root, to have it trust this Pebble"
    try:
        return kind(stage, fleet), None
    except RuntimeError as e:
        return None, f"it fails at this Pebble: {reason(e)}"


def counted(fleet, renew):
    """A renewal of everything, with .requests and .writes to the DNS."""
    requests, writes = fleet.ca.request_count(), fleet.knot.update_count()
    done = renew()
    done.requests, done.writes = fleet.ca.request_count() - requests, fleet.knot.update_count() - writes
    return done


def compare(report, stage, fleet, times):
    """A table of perdure and the peers that are here, in turn."""
    n = len(fleet.zones)
    report.head(f"Renewing {n} wildcard certificates, other clients on the same Pebble and the same Knot")
    clients, refused = {"perdure": fleet}, {}
    for kind in (Uacme, Lego, Dehydrated, Certbot):
        client, why = begin(stage, fleet, kind)
        if client:
            clients[kind.name] = client
        else:
            refused[kind.name] = why
    got = alternate(times, **{name: lambda c=c: counted(fleet, c.renew) for name, c in clients.items()})
    wall, cpu = (median([getattr(r, what) for r in got["perdure"]]) for what in ("wall", "cpu"))
    report.table("client", "wall s, median (lowest to highest)", "CPU s of all its processes", "ACME requests for each", "DNS writes for each",
                 "wall, times perdure's", "CPU, times perdure's")
    for name, runs in got.items():
        walls, cpus = [r.wall for r in runs], [r.cpu for r in runs]
        requests, writes = runs[-1].requests, runs[-1].writes
        report.row(name, spread(walls), spread(cpus), f"{requests / n:.1f}", f"{writes / n:g}", f"{median(walls) / wall:.1f}",
                   f"{median(cpus) / cpu:.1f}")
        report.keep(name, {"wall": walls, "cpu": cpus, "requests": requests, "dns_writes": writes})
    for name, why in refused.items():
        report.row(name, f"not measured: {why}", "", "", "", "", "")
        report.keep(name, {"not measured": why})
