"""A renewal from standing records opens no DNS credential: every file that it and its children open is watched."""
import os
import re

import harness
from e2e import plain_path, results
from harness import Knot, Pebble, Perdure, publish_records, read, set_up_account
from state_tool import need_strace


def test_what_a_renewal_opens(stage):
    need_strace()
    names = harness.zones_named(2)
    knot = Knot(stage, names)
    ca = Pebble(stage, knot.address, eab=True)
    p = Perdure(stage, harness.p_config(ca, knot, names), binary=plain_path())
    hmac = harness.write(os.path.join(p.folder, "ca.eab"), ca.eab_key + "\n", 0o600)
    # Lying about as on the host of a careless operator: the update key itself, and what other clients would read.
    secrets = [hmac] + [harness.write(os.path.join(p.folder, name), read(knot.tsig_file), 0o600)
                        for name in ("update.tsig", "cloudflare.ini", ".netrc", "credentials", "rndc.key", ".lexicon.yml")]
    secrets.append(knot.tsig_file)
    p.configure(harness.p_config(ca, knot, names, ca_options={"eab": {"kid": ca.eab_kid, "hmac_key_file": hmac}}))

    def opened(*args):
        log = os.path.join(p.folder, "strace.log")
        done = p.run(*args, wrap=["strace", "-f", "-y", "-qq", "-o", log, "-e", "trace=open,openat,openat2,execve", "-s", "4096"])
        assert done.rc == 0, str(done)
        calls = re.findall(r'(?:open|openat|openat2|execve)\((?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"([^"]*)"', read(log))
        found = [os.path.join(p.folder, folder, path) for folder, path in calls]
        assert any(path.endswith("/perdure.db") for path in found), "strace did not show what it should"
        assert not [path for path in found if path.endswith("resolv.conf")]
        return done, found

    # The watch itself: registering does open the EAB secret.
    done, found = opened("account", "register", "--agree-tos")
    assert hmac in found
    publish_records(p, knot)
    for args, result in ((("renew", "--json"), "issued"), (("renew", "--json", "--force-renewal"), "renewed")):
        done, found = opened(*args)
        assert results(done) == dict.fromkeys(names, result)
        assert set(found) & set(secrets) == set()
        # Below the folder of the configuration nothing is opened but the configuration and the state.
        inside = {os.path.relpath(path, p.folder) for path in found if path.startswith(p.folder + "/")}
        assert {path for path in inside if not path.startswith("state/")} <= {"perdure.yaml", "conf.d", "state"}, inside
        assert sum(path == p.binary for path in found) == 1, "a child was started"
    assert set_up_account(p).rc == 0
