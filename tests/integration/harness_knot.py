"""An authoritative server that takes updates: Knot, and a question to it."""
import base64
import collections
import os
import random
import re
import socket
import struct

from harness_stage import HarnessError, free_port, read, tool, wait_until, write


def zones_named(n, parent="bench.test"):
    """w01.bench.test ... as many as asked for."""
    width = max(2, len(str(n)))
    return [f"w{i:0{width}d}.{parent}" for i in range(1, n + 1)]


def dns_query(port, name, rrtype, timeout=2.0, server="127.0.0.1"):
    """One question over UDP: (rcode, aa, number of answers, whole message)."""
    number = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16}[rrtype]
    ident = random.randrange(65536)
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.rstrip(".").split(".")) + b"\0"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((server, port))
        s.send(struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 0) + labels + struct.pack(">HH", number, 1))
        answer = s.recv(65535)
    got, flags, _, count = struct.unpack(">HHHH", answer[:8])
    if got != ident:
        raise HarnessError("a DNS answer to another question")
    return flags & 15, bool(flags & 0x400), count, answer


class Knot:
    """
    An authoritative DNS server with a zone for each name of `zones`, and the parent zone `parent` that delegates them to itself.
    Dynamic updates are taken with the TSIG key .tsig_name / .tsig_secret until disable_updates().

    records   more zone lines, by zone: {"w01.bench.test": ["www 60 A 127.0.0.1"]}
    port      where to listen, when somebody knows already; else a free one

    Attributes: port, address ("127.0.0.1:port", for Pebble), zones, tsig_file (knsupdate's and perdure's format).
    """

    def __init__(self, stage, zones, parent="bench.test", records=None, port=0):
        self.stage = stage
        self.parent = parent
        self.zones = list(zones)
        self.records = records or {}
        self.folder = stage.folder("knot")
        self.log = os.path.join(self.folder, "log")
        self.conf = os.path.join(self.folder, "knot.conf")
        self.socket = os.path.join(self.folder, "ctl")
        self.tsig_name, self.tsig_secret = "perdure-test", base64.b64encode(os.urandom(32)).decode()
        self.tsig_file = write(os.path.join(self.folder, "update.tsig"), f"hmac-sha256:{self.tsig_name}:{self.tsig_secret}\n", 0o600)
        self.updates_on = True
        self._counted = collections.Counter()
        self.process = None
        self.port = port
        os.mkdir(os.path.join(self.folder, "zones"))
        for zone in self._all():
            self._zone_file(zone)
        self.start()

    def _all(self):
        return ([self.parent] if self.parent else []) + self.zones

    def _zone_file(self, zone):
        ns = f"ns.{zone}."
        lines = [f"{zone}. 3600 SOA {ns} hostmaster.{zone}. 1 3600 600 86400 5", f"{zone}. 3600 NS {ns}", f"{ns} 3600 A 127.0.0.1"]
        if zone == self.parent:
            for child in self.zones:
                if child.endswith("." + zone):
                    lines += [f"{child}. 3600 NS ns.{child}.", f"ns.{child}. 3600 A 127.0.0.1"]
        lines += [f"$ORIGIN {zone}."] + list(self.records.get(zone, []))
        write(os.path.join(self.folder, "zones", zone + ".zone"), "\n".join(lines) + "\n")

    def _configure(self):
        # Knot's TCP backlog is short and Pebble asks three times at once, over TCP: a socket for each of several workers.
        text = f"""
server:
  rundir: "{self.folder}"
  listen: "127.0.0.1@{self.port}"
  udp-workers: 1
  tcp-workers: 4
  background-workers: 1
  tcp-reuseport: on
  tcp-max-clients: 400
  tcp-idle-timeout: 5
  tcp-io-timeout: 2000
control:
  listen: "{self.socket}"
log:
  - target: stdout
    any: info
database:
  storage: "{self.folder}/db"
  journal-db-max-size: 200M
mod-stats:
  - id: count
    server-operation: on
"""
        if self.updates_on:
            text += f"""
key:
  - id: {self.tsig_name}
    algorithm: hmac-sha256
    secret: "{self.tsig_secret}"
acl:
  - id: update
    key: {self.tsig_name}
    action: [update, transfer]
"""
        text += f"""
template:
  - id: default
    storage: "{self.folder}/zones"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
    module: mod-stats/count
""" + ("    acl: update\n" if self.updates_on else "")
        text += "zone:\n" + "".join(f"  - domain: {zone}\n" for zone in self._all())
        write(self.conf, text, 0o600)

    def start(self):
        """Starts it and waits until it serves the last zone."""
        for _ in range(3):
            self.port = self.port or free_port()
            self.address = f"127.0.0.1:{self.port}"
            self._configure()
            self.process = self.stage.spawn(["/usr/sbin/knotd", "-c", self.conf], self.log)
            wait_until("Knot to serve its zones", 30, lambda: self.process.poll() is not None or self._serves())
            if self.process.poll() is None:
                return
            self.port = 0
        raise HarnessError("Knot does not start:\n" + read(self.log)[-2000:])

    def _serves(self):
        try:
            self.control("status")
            return all(dns_query(self.port, z, "SOA", 0.5)[:2] == (0, True) for z in (self._all()[0], self._all()[-1]))
        except (OSError, HarnessError):
            return False

    def control(self, *words):
        """knotc: its output."""
        return tool("/usr/sbin/knotc", "-s", self.socket, "-t", "20", *words)

    def zone_of(self, owner):
        """The zone an owner name is in."""
        name = owner.rstrip(".").lower()
        fit = [z for z in self._all() if name == z or name.endswith("." + z)]
        if not fit:
            raise HarnessError(f"no zone for {owner}")
        return max(fit, key=len)

    def nsupdate(self, lines):
        """
        Dynamic updates signed with the TSIG key, one message per zone. A line is a record in zone file form (is added) or
        "del OWNER [TYPE]". HarnessError when the server refuses one.
        """
        by_zone = collections.defaultdict(list)
        for line in lines:
            command = line if line.startswith("del ") else "add " + line
            by_zone[self.zone_of(command.split()[1])].append(command)
        script = [f"server 127.0.0.1 {self.port}", "ttl 60"]
        for zone, commands in by_zone.items():
            script += [f"zone {zone}.", *commands, "send"]
        out = tool("knsupdate", "-k", self.tsig_file, stdin="\n".join(script) + "\n", timeout=300)
        if "failed" in out or "error" in out:
            raise HarnessError("knsupdate: " + out)

    def disable_updates(self):
        """Removes the key and the right to update from the server, for good."""
        self._counted = self.update_counts()  # a reload starts them anew
        self.updates_on = False
        self._configure()
        self.control("reload")

    def update_counts(self):
        """A Counter of UPDATE messages received per zone since the start, refused ones too."""
        stats = self.control("zone-stats", "--", "mod-stats.server-operation")
        found = re.findall(r"^\[(\S+)\.\] mod-stats\S*server-operation\[update\] = (\d+)", stats, re.M)
        return self._counted + collections.Counter({zone: int(n) for zone, n in found})

    def update_count(self):
        """UPDATE messages received by all zones."""
        return sum(self.update_counts().values())

    def serials(self):
        """zone -> SOA serial: unequal means written."""
        out = {}
        for line in self.control("zone-status", "--", "+serial").splitlines():
            m = re.match(r"\[(\S+)\.\].*serial: (\S+)", line)
            if m:
                out[m.group(1)] = m.group(2)
        if set(out) != set(self._all()):
            raise HarnessError("zone-status shows other zones than ours")
        return out

    def stop(self):
        """Ends it; the stage would do so too."""
        self.stage.end(self.process)

    def stub(self):
        """This server as an entry of `dns: {stubs: ...}`."""
        return {"zone": self.parent or self.zones[0], "servers": ["127.0.0.1"], "port": self.port}
