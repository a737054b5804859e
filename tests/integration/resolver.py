"""A resolver for CAs that follow CNAMEs from zone to zone: unbound, which keeps nothing."""
import os

import dns.exception

from dns_servers import ask
from harness import HarnessError, free_port, read, wait_until, write


class Unbound:
    """
    zones   zone -> port of its server on 127.0.0.1

    Attributes: port, address ("127.0.0.1:port").
    """

    def __init__(self, stage, zones):
        self.folder = stage.folder("unbound")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        log = os.path.join(self.folder, "log")
        stubs = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{port}\n  stub-no-cache: yes\n' for zone, port in zones.items())
        conf = write(os.path.join(self.folder, "unbound.conf"), f"""
server:
  interface: 127.0.0.1@{self.port}
  directory: "{self.folder}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-daemonize: no
  do-ip6: no
  num-threads: 1
  incoming-num-tcp: 200
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  access-control: 127.0.0.0/8 allow
remote-control:
  control-enable: no
{stubs}""")
        self.process = stage.spawn(["/usr/sbin/unbound", "-d", "-c", conf], log)
        wait_until("unbound to answer", 20, lambda: self.process.poll() is not None or self._answers(next(iter(zones))))
        if self.process.poll() is not None:
            raise HarnessError("unbound does not start:\n" + read(log)[-2000:])

    def _answers(self, zone):
        try:
            return ask(self.port, zone, "SOA").rcode() == 0
        except (OSError, dns.exception.DNSException):
            return False
