"""
perdure against perdure-testca, which takes any number of orders at once and passes every validation unasked: first issues of
one name each, against the load script with the same requests and the same number in flight on the same CA.
"""
import json
import os
import shutil

from harness import Perdure, TestCA
from measure import alternate, median, run, spread

MIB = 1024.0


class Box:
    """A CA, and what is measured at it. perdure asks no DNS (dns.mode none), as the CA asks none."""

    def __init__(self, stage, helper):
        self.stage, self.helper = stage, helper
        self.ca = TestCA(stage)
        # The request log is for tests; a bench reads the counters.
        self.ca.stop()
        at = self.ca.argv.index("--log")
        del self.ca.argv[at:at + 2]
        self.ca.start()
        p = self.configured(1, 1)
        self.key = os.path.join(p.state_dir, "accounts/testca/key.pem")
        self.account = json.loads(p.run("account", "show", "--ca", "testca", "--public", "--json").ok().out)["url"]

    def names(self, count):
        return [f"c{i:05d}.fleet.test" for i in range(count)]

    def configured(self, count, in_flight):
        """perdure with an account, a list of names and nothing else."""
        p = Perdure(self.stage, {})
        with open(os.path.join(p.folder, "names.txt"), "w", encoding="ascii") as f:
            f.writelines(n + "\n" for n in self.names(count))
        p.configure({"cas": [self.ca.config_entry(max_orders=in_flight)], "dns": {"mode": "none"}, "defaults": {"ca": ["testca"]},
                     "certificates": [{"names_file": os.path.join(p.folder, "names.txt")}]})
        p.run("account", "register", "--ca", "testca", "--agree-tos").ok()
        return p

    def ca_cpu(self):
        with open(f"/proc/{self.ca.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def issue(self, count, in_flight, watch=0.0):
        """First issues by perdure."""
        p = self.configured(count, in_flight)
        before = self.ca.command("counters")["requests"]
        done = run(p.command("renew", "--json"), env=p.environment(), cwd=p.folder, watch=watch)
        done.requests = self.ca.command("counters")["requests"] - before
        *orders, last = map(json.loads, done.out.decode().splitlines())
        done.orders = [o for o in orders if "certificate" in o]
        if last["summary"]["issued"] != count or len(done.orders) != count:
            raise RuntimeError(done.out.decode()[-2000:])
        shutil.rmtree(p.folder)
        return done

    def load(self, count, in_flight):
        before = self.ca_cpu()
        done = run([self.helper, self.ca.dir_url, self.ca.ca_bundle, self.key, self.account, str(in_flight)],
                   stdin="".join(n + "\n" for n in self.names(count)).encode())
        done.said = json.loads(done.out)
        done.wall, done.cpu = done.said["seconds"], done.said["cpu"]
        done.ca_cpu = self.ca_cpu() - before
        return done
