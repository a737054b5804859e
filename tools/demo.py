#!/usr/bin/python3
"""
The main job, shown on this machine: a CA (Pebble) and an authoritative DNS server (Knot) on loopback, one standing validation
record for each of N wildcard domains, N certificates issued, and all N renewed after the server's update key is gone.

Leaves nothing running and nothing behind. Any deviation ends it with an error and a non-zero status.
"""
import argparse
import collections
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/integration"))

from harness import (HarnessError, Knot, Pebble, Perdure, Stage, p_config, publish_records, set_up_account, verify_chain,  # noqa: E402
                     zones_named)


def say(text):
    print(text, flush=True)


def renew(p, ca, names, result, *options):
    """Runs `perdure renew`; a dict of its JSON Lines by certificate, the wall time, and what Pebble counted."""
    before = ca.request_count()
    done = p.run("renew", "--json", *options, timeout=60 + 3 * len(names)).ok()
    lines = {line["certificate"]: line for line in done.lines() if "certificate" in line}
    if sorted(lines) != sorted(names):
        raise HarnessError(f"renew spoke of {len(lines)} certificates, there are {len(names)}: {done}")
    other = {name: line for name, line in lines.items() if line["result"] != result}
    if other:
        raise HarnessError(f"not {result}: {other}")
    return lines, done.seconds, ca.request_count() - before


def check_all(p, roots, names):
    """openssl's word on every certificate; their serial numbers by name."""
    return {name: verify_chain(p, name, roots, [name, "*." + name]) for name in names}


def table(names, first, second, writes_first, writes_second):
    head = ("certificate", "names", "first issue s", "renewal s", "ACME requests", "DNS writes")
    rows = []
    for name in names:
        rows.append((name, " ".join(first[name]["names"]), f"{first[name]['seconds']:.2f}", f"{second[name]['seconds']:.2f}",
                     f"{first[name]['acme_requests']} + {second[name]['acme_requests']}",
                     f"{writes_first[name]} + {writes_second[name]}"))
    width = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        say("  ".join(cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, width))).rstrip())


def demo(stage, count):
    names = zones_named(count)
    knot = Knot(stage, names)
    ca = Pebble(stage, knot.address)
    say(f"Knot serves {count} zones at {knot.address}; Pebble is a CA at {ca.dir_url}")

    p = Perdure(stage, p_config(ca, knot, names))
    set_up_account(p)
    lines = publish_records(p, knot)
    if len(lines) != count:
        raise HarnessError(f"{len(lines)} records to publish for {count} domains:\n" + "\n".join(lines))
    published = knot.update_counts()
    say(f"account registered, {len(lines)} standing records published, once and for all, for example\n  {lines[0]}")

    first, wall, requests = renew(p, ca, names, "issued")
    serials = check_all(p, ca.roots(), names)
    say(f"{len(first)} certificates issued in {wall:.1f} s with {requests} ACME requests; openssl accepts all")

    knot.disable_updates()
    try:
        knot.nsupdate([f"_validation-persist.{names[0]}. 60 IN TXT \"x\""])
    except HarnessError:
        say("Knot's update key removed: it refuses every DNS write from here on")
    else:
        raise HarnessError("Knot took an update although its key is gone")
    zones, before = knot.serials(), knot.update_counts()

    second, wall, requests = renew(p, ca, names, "renewed", "--force-renewal")
    renewed = check_all(p, ca.roots(), names)
    same = [name for name in names if renewed[name] == serials[name]]
    if same:
        raise HarnessError(f"still the old certificate: {same}")
    if knot.serials() != zones:
        raise HarnessError("a zone changed while renewing")
    writes = collections.Counter(knot.update_counts())
    writes.subtract(before)
    say(f"{len(second)} certificates renewed in {wall:.1f} s with {requests} ACME requests; openssl accepts all\n")
    table(names, first, second, published, writes)
    total = sum(writes.values())
    say(f"\ndemo: {len(first)} issued, {len(second)} renewed, {total} DNS writes while renewing")
    if total:
        raise HarnessError("there were DNS writes while renewing")


def main():
    parser = argparse.ArgumentParser(description="issue and renew N wildcard certificates from standing records, on loopback")
    parser.add_argument("--count", type=int, default=47, metavar="N")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and state, and say where it is")
    args = parser.parse_args()
    start = time.monotonic()
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda *_: sys.exit("demo: stopped"))
    with Stage(keep=args.keep) as stage:
        if args.keep:
            say(f"everything is under {stage.dir}")
        try:
            demo(stage, args.count)
        except HarnessError as e:
            sys.exit(f"demo: failed after {time.monotonic() - start:.0f} s: {e}")
        except KeyboardInterrupt:
            sys.exit("demo: stopped")


if __name__ == "__main__":
    main()
