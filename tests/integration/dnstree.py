"""
A DNS of its own in a network namespace, every server at port 53: a root, two top-level domains, zones below them at servers of
different make. The fixture `dnstree` (conftest.py) makes one per worker and skips, saying why, where none can be made.

    p = dnstree.perdure()                          # harness.Perdure that runs in the namespace and asks this tree, with its anchor;
                                                   # dnstree.perdure(dns={"timeout": "1s"}, certificates=[...]) changes or adds keys
    p.run("check", "shapes.beta", "--offline", "--json")
    with dnstree.inside(): ...                     # sockets, processes and threads made here are in the namespace
    dnstree.port53("203.0.113.70")                 # small_servers.DnsServer at an address of the tree: udp=, tcp=

Attributes: hints (addresses of the root), resolver (address of a validating unbound), plain_resolver (one that does not validate),
anchor_file (trust anchor of the root, as DS records), tsig_file (key that may transfer zones), addresses (of the servers, by name), ipv6.
perdure() configures CA "ca" with issuer ca.test, level 1 and account https://ca.test/acct/1; there is no CA: use --offline.

Servers (NAME.hosting.beta):
  knot      Knot, all zones below the top-level domains that are not said to be elsewhere; refuses others
  bind      BIND, the same zones, but for servfail.beta
  nsd       NSD, zones of their own contents: differ, split, drift, third
  dead      takes questions and never answers                closed      no server at the port
  far       an address to which no way leads                 late        answers rightly, 1.2 s later
  upward    answers with a referral to the root              nonaa       right answer, not authoritative
  beside    a CNAME beside the TXT record                    refusing    REFUSED, whatever is asked
  six       Knot again, at an IPv6 address only (where there is IPv6); the root is at root6, too, and does not say so

Names. A name has a good record (accepted, also for its wildcard) where nothing else is said; "and" lists the zone's servers.
The root and alpha are signed, beta is not (an insecure delegation).

  Z in shapes.alpha (signed, secure), shapes.beta (insecure); knot and bind:
  Z                      good                                    plain.Z        good, not for a wildcard
  wrong.Z                another account                         other.Z        another CA only
  both.Z                 another CA's and a good one             expired.Z      persistUntil past
  later.Z                persistUntil in 2100                    malformed.Z    malformed
  quoted.Z               quotes inside the RDATA                 split.Z        one record cut into two RRs
  strings.Z              one record in two strings               control.Z      control characters
  nodata.Z               an A record instead                     ent.Z          the owner is an empty non-terminal
  bare.Z                 no such owner; bare.Z has an A          none.Z         no such name
  large.Z                more than 4 KB, over TCP                long.Z         TTL 1 day; nottl.Z  TTL 0
  medium.Z               other CAs only, nearly 1,232 octets
  hopsN.Z                N CNAMEs, N in 1 2 9 10 11 12           loop.Z self.Z  CNAMEs in a circle
  dangling.Z             CNAME to nothing in Z                   gone.Z         CNAME to a zone that does not exist
  away.Z                 CNAME to targets.beta                   awaydead.Z     CNAME to the zone of a dead server
  awaybogus.Z            CNAME to the bogus record of bogus.alpha
  nobody.Z               CNAME to a name without TXT             slow.Z         CNAME with TTL 2 days, TXT 1 day
  dname.Z                below a DNAME: x.dname.Z is x.dnamed.Z; _validation-persist.dname.Z too
  wild.Z x.wild.Z        TXT by the wildcard *.wild.Z (two records)
  wildalias.Z            CNAME by the wildcard *.wildalias.Z     apps.Z         *.apps.Z A; own.apps.Z has A and record of its own
  sub.Z                  a zone of its own, good                 occluded.Z     delegated; the record is in the parent only
  lost.Z                 delegated to a server that refuses
  caa-*.Z                CAA as the name says (see dnstree_zones.caa); below.caa-ok.Z, below.caa-other.Z climb; caa-alias.Z CNAME
  _acme-challenge.to-*.Z delegations: to-one (one hop), to-two (two), to-nothing, to-nozone, to-dead, to-lame, to-text (no CNAME),
                         to-stale (TTLs too long)

  nsec3.alpha            signed with NSEC3                       bogus.alpha    the record's signature is false, plain.bogus.alpha's not
  expired.alpha          all signatures expired                  nosig.alpha    the record has no signature, plain.nosig.alpha has
  dsmismatch.alpha       the DS is of another key                island.alpha   signed, but no DS
  unsigned.alpha         insecure delegation below a signed zone
  targets.beta           what CNAMEs point to                    hosting.beta   the servers' names
  lame.beta              refusing                                halflame.beta  knot and bind and refusing
  dead.beta              dead                                    halfdead.beta  knot and bind and dead
  closed.beta            closed                                  halfclosed.beta  knot and bind and closed
  far.beta               far                                     halffar.beta   knot and bind and far
  late.beta              late                                    halflate.beta  knot and bind and late
  upward.beta            upward                                  nonaa.beta     nonaa
  beside.beta            beside                                  servfail.beta  knot (which cannot load it)
  differ.beta            knot and bind; nsd has another account  split.beta     knot; nsd has no record
  third.beta             bind; nsd has another CA's, too         six.beta       six only
  drift.beta             the parent says knot and bind, the zone says knot and nsd
  noglue.beta            its only server's name is in itself and has no address
  nohost.beta            its server's name does not exist        gone.alpha, gone.beta  no such zone
  openxfr.beta           anybody may transfer it from knot and bind; all others need the TSIG key, on knot, bind and nsd alike
"""
import base64
import concurrent.futures
import os
import re
import shutil

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset

import harness
import netns
from dnstree_zones import ACCOUNT, GOOD, ISSUER, LABEL, NEGATIVE_TTL, OTHER, PLAIN, TARGETS, THUMBPRINT, TTL, WRONG, record, shapes
from small_servers import DnsServer, framed

ADDRESSES = {
    "root": "198.51.100.1", "root6": "2001:db8:53::1", "alpha": "198.51.100.2", "beta": "198.51.100.3",
    "knot": "203.0.113.1", "bind": "203.0.113.2", "nsd": "203.0.113.3", "six": "2001:db8:53::6",
    "dead": "203.0.113.11", "closed": "203.0.113.12", "late": "203.0.113.13", "upward": "203.0.113.14", "nonaa": "203.0.113.15",
    "beside": "203.0.113.16", "refusing": "203.0.113.17", "resolver": "203.0.113.53", "plain_resolver": "203.0.113.54",
    "far": "198.18.0.1",
}
NO_ADDRESS = ("far",)  # of ours: no way leads there
SPARE = [f"203.0.113.{i}" for i in range(70, 90)]  # for servers of single tests
HOSTS = ("knot", "bind", "nsd", "six", "dead", "closed", "late", "upward", "nonaa", "beside", "refusing", "far")
LATE_SECONDS = 1.2

BOTH = ["knot", "bind"]
# zone -> the servers that the parent names
BETA = {
    "shapes": BOTH, "targets": BOTH, "hosting": BOTH, "openxfr": BOTH,
    "lame": ["refusing"], "halflame": BOTH + ["refusing"], "dead": ["dead"], "halfdead": BOTH + ["dead"],
    "closed": ["closed"], "halfclosed": BOTH + ["closed"], "far": ["far"], "halffar": BOTH + ["far"],
    "late": ["late"], "halflate": BOTH + ["late"], "upward": ["upward"], "nonaa": ["nonaa"], "beside": ["beside"],
    "servfail": ["knot"], "differ": BOTH + ["nsd"], "split": ["knot", "nsd"], "third": ["bind", "nsd"], "six": ["six"], "drift": BOTH,
}
ALPHA = {z: BOTH for z in ("shapes", "nsec3", "bogus", "expired", "nosig", "dsmismatch", "island", "unsigned")}
NO_DS = ("island", "unsigned")


def unbound_conf(folder, settings, more=""):
    """The configuration of an unbound that keeps to the folder; settings: of `server`, more: what comes behind."""
    return f"""
server:
  access-control: 0.0.0.0/0 allow
  directory: "{folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
{settings}
remote-control:
  control-enable: no
{more}
"""


class Zone:
    """A zone file for some servers. sign: None, "good", "nsec3", "bogus", "expired", "nosig"."""

    def __init__(self, name, servers, lines, sign=None, hosts=None):
        self.name, self.servers, self.lines, self.sign = name, servers, lines, sign
        self.hosts = servers if hosts is None else hosts

    def text(self):
        ns = [f"@ NS {h}.hosting.beta." if h in HOSTS else f"@ NS {h}" for h in self.hosts]
        head = [f"$ORIGIN {self.name}." if self.name else "$ORIGIN .", f"$TTL {TTL}",
                f"@ SOA {ns[0].split()[-1]} hostmaster.hosting.beta. 1 3600 600 86400 {NEGATIVE_TTL}"]
        return "\n".join(head + ns + self.lines) + "\n"


def leaf_zones():
    """All zones below the top-level domains."""
    zones = [Zone(f"shapes.{tld}", BOTH, shapes(f"shapes.{tld}"), "good" if tld == "alpha" else None) for tld in ("alpha", "beta")]
    for tld in ("alpha", "beta"):
        zones += [Zone(f"sub.shapes.{tld}", BOTH, [record("")]), Zone(f"occluded.shapes.{tld}", BOTH, ["@ A 203.0.113.80"])]
    small = [record(""), record("plain", PLAIN), "@ A 203.0.113.80"]
    signs = {"shapes": None, "island": "good", "unsigned": None, "dsmismatch": "good"}
    zones += [Zone(f"{z}.alpha", BOTH, small, signs.get(z, z)) for z in ALPHA if z != "shapes"]
    zones += [Zone("targets.beta", BOTH, TARGETS), Zone("openxfr.beta", BOTH, small)]
    addresses = [f"{h} {'AAAA' if ':' in ADDRESSES[h] else 'A'} {ADDRESSES[h]}" for h in HOSTS]
    zones += [Zone("hosting.beta", BOTH, addresses)]
    for half in ("lame", "dead", "closed", "far", "late"):
        zones += [Zone(f"half{half}.beta", BOTH, small, hosts=BOTH + ["refusing" if half == "lame" else half])]
    zones += [
        Zone("differ.beta", BOTH, small, hosts=BOTH + ["nsd"]), Zone("differ.beta", ["nsd"], [record("", WRONG)], hosts=BOTH + ["nsd"]),
        Zone("split.beta", ["knot"], small, hosts=["knot", "nsd"]), Zone("split.beta", ["nsd"], [], hosts=["knot", "nsd"]),
        Zone("third.beta", ["bind"], small, hosts=["bind", "nsd"]),
        Zone("third.beta", ["nsd"], [record(""), record("", OTHER)], hosts=["bind", "nsd"]),
        Zone("drift.beta", ["knot", "bind", "nsd"], small, hosts=["knot", "nsd"]), Zone("six.beta", ["six"], small),
    ]
    return zones


class Signer:
    """Keys and signatures with BIND's tools. zone -> its DS records after sign()."""

    def __init__(self, folder):
        self.folder = folder
        self.ds = {}

    def key(self, zone):
        out = harness.tool("dnssec-keygen", "-q", "-K", self.folder, "-a", "ECDSAP256SHA256", "-f", "KSK", zone.name or ".")
        return os.path.join(self.folder, out.strip())

    def sign(self, zone, path):
        """Signs the zone file in place."""
        key = self.key(zone)
        with open(path, "a", encoding="utf-8") as f:
            f.write(harness.read(key + ".key"))
        when = ["-s", "20200101000000", "-e", "20200201000000"] if zone.sign == "expired" else ["-s", "now-86400", "-e", "now+864000"]
        nsec3 = ["-3", "beef", "-H", "0"] if zone.sign == "nsec3" else []
        signed = os.path.join(self.folder, os.path.basename(path))
        harness.tool("dnssec-signzone", "-q", "-z", "-P", "-O", "full", "-d", self.folder, "-o", zone.name or ".", *when, *nsec3,
                     "-f", signed, path, key)
        text = harness.read(signed)
        rrsig = re.compile(rf"^{LABEL}\.{re.escape(zone.name)}\.\s.*\sRRSIG\sTXT .*$", re.M)
        if zone.sign == "bogus":
            text = rrsig.sub(lambda m: re.sub(r"\S(?=\S{9}$)", lambda c: "B" if c[0] == "A" else "A", m[0]), text)
        elif zone.sign == "nosig":
            text = rrsig.sub("", text)
        harness.write(path, text)
        foreign = self.key(zone) if zone.name == "dsmismatch.alpha" else key
        self.ds[zone.name] = harness.tool("dnssec-dsfromkey", "-2", foreign + ".key").strip()


class TreePerdure(harness.Perdure):
    """The program, run in the tree's namespace."""

    tree = None

    def run(self, *args, **more):
        with self.tree.inside():
            return super().run(*args, **more)

    def start(self, *args, **more):
        with self.tree.inside():
            return super().start(*args, **more)


class Tree:
    """See above. netns.NamespaceError when there can be none."""

    def __init__(self, stage):
        self.stage = stage
        self.net = netns.Namespace()
        stage.closers.append(self.net.close)
        self.addresses = dict(ADDRESSES)
        self.hints = [ADDRESSES["root"]]
        self.resolver, self.plain_resolver = ADDRESSES["resolver"], ADDRESSES["plain_resolver"]
        self.folder = stage.folder("tree")
        self.net.add_addresses([a for n, a in ADDRESSES.items() if n not in NO_ADDRESS and ":" not in a] + SPARE)
        try:
            self.net.add_addresses([ADDRESSES["six"], ADDRESSES["root6"]])
            self.ipv6 = True
        except netns.NamespaceError:
            self.ipv6 = False
        secret = base64.b64encode(os.urandom(32)).decode()
        self.tsig_name, self.tsig_secret = "transfer", secret
        self.tsig_file = harness.write(os.path.join(self.folder, "transfer.tsig"), f"hmac-sha256:transfer:{secret}\n", 0o600)
        self.doubles = []
        self._zones()
        with self.inside():
            starts = [self._nsd, self._named, self._knots]
            waits = [w for s in starts for w in s()]
            self._doubles()
            waits += self._unbounds()
            for what, process, log, address, zone in waits:
                self._await(what, process, log, address, zone)

    def inside(self):
        """The calling thread is in the namespace meanwhile."""
        return self.net.inside()

    # --- zones ---------------------------------------------------------------------------------------------------------------

    def _path(self, zone, server):
        return os.path.join(self.folder, "zones", server, (zone or "root") + ".zone")

    def _zones(self):
        signer = Signer(os.path.join(self.folder, "keys"))
        os.mkdir(signer.folder)
        leaves = leaf_zones()

        def write(zone):
            first = self._path(zone.name, zone.servers[0])
            harness.write(first, zone.text())
            if zone.sign:
                signer.sign(zone, first)
            for server in zone.servers[1:]:
                shutil.copyfile(first, self._path(zone.name, server))

        for server in ("root", "alpha", "beta", "knot", "bind", "nsd", "six"):
            os.makedirs(os.path.join(self.folder, "zones", server))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(write, leaves))
        alpha = [f"{z} NS {h}.hosting.beta." for z, servers in ALPHA.items() for h in servers]
        alpha += [signer.ds[f"{z}.alpha"] for z in ALPHA if z not in NO_DS]
        beta = [f"{z} NS {h}.hosting.beta." for z, servers in BETA.items() for h in servers]
        beta += [f"{h}.hosting {'AAAA' if ':' in ADDRESSES[h] else 'A'} {ADDRESSES[h]}" for h in HOSTS]
        beta += ["noglue NS ns.noglue", "nohost NS ns.no-such-zone.alpha."]
        tlds = [Zone("alpha", ["alpha"], alpha + [f"ns A {ADDRESSES['alpha']}"], "good", ["ns"]),
                Zone("beta", ["beta"], beta + [f"ns A {ADDRESSES['beta']}"], hosts=["ns"])]
        for zone in tlds:
            write(zone)
        root = [f"{t} NS ns.{t}." for t in ("alpha", "beta")] + [f"ns.{t} A {ADDRESSES[t]}" for t in ("alpha", "beta")]
        write(Zone("", ["root"], root + [signer.ds["alpha"], f"ns.root-server A {ADDRESSES['root']}"], "good", ["ns.root-server"]))
        self.anchor_file = harness.write(os.path.join(self.folder, "root.anchor"), signer.ds[""] + "\n")
        self.hints_file = harness.write(os.path.join(self.folder, "root.hints"),
                                        f". 3600 NS ns.root-server.\nns.root-server. 3600 A {ADDRESSES['root']}\n")

    def _served(self, server):
        files = sorted(os.listdir(os.path.join(self.folder, "zones", server)))
        return [("" if f == "root.zone" else f.removesuffix(".zone")) for f in files]

    # --- servers -------------------------------------------------------------------------------------------------------------

    def _program(self, path):
        """A copy: Debian ties what some programs may read to their path."""
        return shutil.copy(path, self.folder)

    def _spawn(self, name, argv, conf):
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, exist_ok=True)
        path = harness.write(os.path.join(folder, "conf"), conf.replace("@DIR@", folder), 0o600)
        log = os.path.join(folder, "log")
        return self.stage.spawn([a.replace("@CONF@", path) for a in argv], log, cwd=folder), log

    def _await(self, what, process, log, address, zone):
        harness.wait_until(f"{what} to serve {zone or 'the root'}", 30,
                           lambda: process.poll() is not None or self.serves(address, zone))
        if process.poll() is not None:
            raise harness.HarnessError(f"{what} does not start:\n{harness.read(log)[-3000:]}")

    def serves(self, address, zone):
        """Whether there is an answer about the zone's SOA, authoritative or recursive."""
        q = dns.message.make_query(zone + ".", "SOA")
        try:
            r = dns.query.udp(q, address, timeout=0.5)
        except (OSError, dns.exception.DNSException):
            return False
        return r.rcode() == 0 and bool(r.flags & (dns.flags.AA | dns.flags.RA))

    def _nsd(self):
        """One for the root, one as a third server of some zones."""
        out = []
        for name in ("root", "nsd"):
            more = f"\n  ip-address: {ADDRESSES['root6']}" if name == "root" and self.ipv6 else ""
            conf = f"""
server:
  ip-address: {ADDRESSES[name]}{more}
  port: 53
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "@DIR@"
  pidfile: ""
  xfrdfile: "@DIR@/xfrd.state"
  zonelistfile: "@DIR@/zone.list"
  xfrdir: "@DIR@"
  database: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
key:
  name: "transfer"
  algorithm: hmac-sha256
  secret: "{self.tsig_secret}"
"""
            for zone in self._served(name):
                conf += f'zone:\n  name: "{zone or "."}"\n  zonefile: "{self._path(zone, name)}"\n  provide-xfr: 0.0.0.0/0 transfer\n'
            process, log = self._spawn(name, ["/usr/sbin/nsd", "-d", "-c", "@CONF@"], conf)
            out.append((f"NSD ({name})", process, log, ADDRESSES[name], self._served(name)[-1]))
        return out

    def _named(self):
        """BIND at two addresses, with a view for each."""
        lock = "lock-file none;" if harness.tool("/usr/sbin/named", "-v").startswith("BIND 9.18.") else ""  # gone in later ones
        conf = f"""
options {{
	directory "@DIR@"; pid-file none; session-keyfile none; {lock}
	listen-on {{ {ADDRESSES["alpha"]}; {ADDRESSES["bind"]}; }}; listen-on-v6 {{ none; }};
	recursion no; notify no; dnssec-validation no; minimal-responses no; check-names primary ignore; zero-no-soa-ttl no;
	allow-transfer {{ key transfer; }};
}};
controls {{ }};
key transfer {{ algorithm hmac-sha256; secret "{self.tsig_secret}"; }};
"""
        for name in ("alpha", "bind"):
            conf += f"view {name} {{ match-destinations {{ {ADDRESSES[name]}; }};\n"
            for zone in self._served(name):
                more = "allow-transfer { any; };" if zone == "openxfr.beta" else ""
                conf += f'zone "{zone}" {{ type primary; file "{self._path(zone, name)}"; {more} }};\n'
            conf += "};\n"
        process, log = self._spawn("bind", [self._program("/usr/sbin/named"), "-g", "-n", "1", "-c", "@CONF@"], conf)
        return [("BIND", process, log, ADDRESSES[n], self._served(n)[-1]) for n in ("alpha", "bind")]

    def _knots(self):
        """One for beta, one for most zones, one at an IPv6 address."""
        return [self._knot(n) for n in ("beta", "knot") + (("six",) if self.ipv6 else ())]

    def _knot(self, name):
        conf = f"""
server:
  rundir: "@DIR@"
  listen: "{ADDRESSES[name]}@53"
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  tcp-max-clients: 200
database:
  storage: "@DIR@"
log:
  - target: stdout
    any: info
key:
  - id: transfer
    algorithm: hmac-sha256
    secret: "{self.tsig_secret}"
acl:
  - id: transfer
    key: transfer
    action: transfer
  - id: anybody
    action: transfer
template:
  - id: default
    storage: "{os.path.join(self.folder, "zones", name)}"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
    acl: transfer
zone:
"""
        zones = self._served(name)
        for zone in zones + (["servfail.beta"] if name == "knot" else []):
            conf += f'  - domain: "{zone}"\n' + ("    acl: [transfer, anybody]\n" if zone == "openxfr.beta" else "")
        process, log = self._spawn(name, ["/usr/sbin/knotd", "-c", "@CONF@"], conf)
        return f"Knot ({name})", process, log, ADDRESSES[name], zones[-1]

    def _unbounds(self):
        """Two resolvers, with and without validation."""
        out = []
        program = self._program("/usr/sbin/unbound")
        for name, modules in (("resolver", "validator iterator"), ("plain_resolver", "iterator")):
            conf = unbound_conf("@DIR@", f"""
  interface: {ADDRESSES[name]}
  do-ip6: {"yes" if self.ipv6 else "no"}
  module-config: "{modules}"
  root-hints: "{self.hints_file}"
  trust-anchor-file: "{self.anchor_file}"
  val-log-level: 2""")
            process, log = self._spawn(name, [program, "-d", "-c", "@CONF@"], conf)
            out.append((f"unbound ({name})", process, log, ADDRESSES[name], "shapes.alpha"))
        return out

    # --- servers that no real one is -----------------------------------------------------------------------------------------

    def port53(self, address, udp=None, tcp=None):
        """A small_servers.DnsServer at port 53 of an address of the tree; close() it."""
        with self.inside():
            return DnsServer(udp, tcp, ip=address, port=53)

    def _doubles(self):
        said = {
            "dead": None, "late": self._good("late.beta", "halflate.beta"), "upward": upward, "nonaa": self._good("nonaa.beta", aa=False),
            "beside": self._good("beside.beta", cname=True), "refusing": refusing,
        }
        for name, udp in said.items():
            self.doubles.append(DnsServer(udp, over_tcp(udp), ip=ADDRESSES[name], port=53, late=LATE_SECONDS if name == "late" else 0))
        self.stage.closers.append(lambda: [d.close() for d in self.doubles])

    @staticmethod
    def _good(*zones, aa=True, cname=False):
        """Answers for zones of which there is the apex and its record."""
        soa_text = f"knot.hosting.beta. hostmaster.hosting.beta. 1 3600 600 86400 {NEGATIVE_TTL}"

        def udp(q, _wire):
            r = dns.message.make_response(q)
            r.flags |= dns.flags.AA if aa else 0
            name, kind = q.question[0].name.to_text().lower(), q.question[0].rdtype
            zone = next((z for z in zones if ("." + name).endswith(f".{z}.")), zones[0])
            soa = dns.rrset.from_text(zone + ".", TTL, "IN", "SOA", soa_text)
            hosts = [f"{h}.hosting.beta." for h in BETA[zone.removesuffix(".beta")]]
            apex = {dns.rdatatype.SOA: soa, dns.rdatatype.NS: dns.rrset.from_text(zone + ".", TTL, "IN", "NS", *hosts)}
            if name == f"{LABEL}.{zone}.":
                if kind == dns.rdatatype.TXT:
                    r.answer.append(dns.rrset.from_text(q.question[0].name, TTL, "IN", "TXT", f'"{GOOD}"'))
                if cname:
                    r.answer.append(dns.rrset.from_text(q.question[0].name, TTL, "IN", "CNAME", "shared.targets.beta."))
            elif name == zone + "." and kind in apex:
                r.answer.append(apex[kind])
            elif name != zone + ".":
                r.set_rcode(3)
            if not r.answer:
                r.authority.append(soa)
            return [r.to_wire()]

        return udp

    # --- perdure ---------------------------------------------------------------------------------------------------------------

    def config(self, **more):
        """A configuration that asks this tree."""
        ca = {"name": "ca", "directory": "https://ca.test/dir", "issuer": ISSUER, "level": 1,
              "account": {"url": ACCOUNT, "thumbprints": [THUMBPRINT]}}
        dns_keys = more.get("dns", {})
        anchor = {} if "hints" in dns_keys else {"trust_anchor": self.anchor_file}
        return {"cas": [ca], **more, "dns": {"hints": self.hints, **anchor, "timeout": "1s", **dns_keys}}

    def perdure(self, stage=None, **more):
        """A Perdure in the namespace; more: keys of the configuration, dns: keys of its `dns`."""
        p = TreePerdure(stage or self.stage, self.config(**more))
        p.tree = self
        return p


def over_tcp(udp):
    """The same over TCP."""
    def tcp(q, connection, _stop):
        for wire in udp(q, b""):
            connection.sendall(framed(wire))

    return udp and tcp


def upward(q, _wire):
    """Refers to the root, as old servers do for zones they do not have."""
    r = dns.message.make_response(q)
    r.authority.append(dns.rrset.from_text(".", TTL, "IN", "NS", "ns.root-server."))
    return [r.to_wire()]


def refusing(q, _wire):
    r = dns.message.make_response(q)
    r.set_rcode(5)
    return [r.to_wire()]
