"""
The servers and the program under test, as objects. Standard library and command line tools only: tools/demo.py uses this too.

    with Stage() as stage:                      # a temporary folder; ends every process and removes the folder
        knot = Knot(stage, zones_named(47))     # authoritative server: bench.test and w01.bench.test ... w47.bench.test
        ca = Pebble(stage, dns=knot.address)    # ACME CA that asks Knot
        p = Perdure(stage, p_config(ca, knot, names))
        done = p.run("renew", "--json")         # .rc .out .err .json() .lines()

The pieces are in harness_stage.py, harness_knot.py, harness_ca.py and harness_perdure.py. In pytest the fixtures of conftest.py make them. All servers listen on free ports of 127.0.0.1. Nothing here sleeps without a
deadline, and no process outlives its Stage.
"""
from harness_ca import ISSUER, Pebble, TestCA, pebble_path, testca_path  # noqa: F401
from harness_knot import Knot, dns_query, zones_named  # noqa: F401
from harness_perdure import (  # noqa: F401
    Done, Perdure, p_config, perdure_path, plain_path, publish_records, record_verdict, set_up_account, to_yaml, verify_chain,
)
from harness_stage import ROOT, HarnessError, Stage, free_port, read, tool, wait_until, write  # noqa: F401
