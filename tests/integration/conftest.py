"""
Fixtures. The classes are described in harness.py.

    stage          a Stage for one test
    make_knot      make_knot(zones, **options) -> Knot
    make_pebble    make_pebble(knot, **options) -> Pebble
    make_testca    make_testca(knot or None, **options) -> TestCA
    make_perdure   make_perdure(config dict or text) -> Perdure
    pebble00       path of a Pebble that speaks level 00 of the draft ($PEBBLE00, else Debian unstable's); skips where there is none
    dnstree        a whole DNS in a network namespace: see dnstree.py; skips where there can be none
    fleet          fleet(n, **pebble options) -> (perdure, pebble, knot, names): configured, account registered, records published
"""
import os
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dnstree as dns_tree  # noqa: E402
import harness  # noqa: E402
import netns  # noqa: E402


def pytest_configure(config):
    """Ends orderly (fixtures run) when told to stop, so that no server stays behind."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 1))
    config.addinivalue_line("markers", "long: takes minutes; run with --long")


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the long tests too")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "long" in item.keywords and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="long: needs --long"))


@pytest.fixture
def stage():
    with harness.Stage() as s:
        yield s


@pytest.fixture
def make_knot(stage):
    return lambda zones, **options: harness.Knot(stage, zones, **options)


@pytest.fixture
def make_pebble(stage):
    return lambda knot, **options: harness.Pebble(stage, knot.address, **options)


@pytest.fixture
def make_testca(stage):
    made = []

    def make(knot=None, **options):
        made.append(harness.TestCA(stage, knot.address if knot else None, **options))
        return made[-1]

    yield make
    for ca in made:
        ca.stop()


@pytest.fixture
def make_perdure(stage):
    return lambda config, **options: harness.Perdure(stage, config, **options)


@pytest.fixture
def fleet(stage):
    def make(n, **options):
        names = harness.zones_named(n)
        knot = harness.Knot(stage, names)
        ca = harness.Pebble(stage, knot.address, **options)
        p = harness.Perdure(stage, harness.p_config(ca, knot, names))
        harness.set_up_account(p)
        harness.publish_records(p, knot)
        return p, ca, knot, names

    return make


@pytest.fixture(scope="session")
def pebble00():
    if os.environ.get("PEBBLE00"):
        return os.environ["PEBBLE00"]
    folder = os.path.join(harness.ROOT, "build/tools/sid")
    path = os.path.join(folder, "usr/bin/pebble")
    if not os.path.exists(path):
        mine = f"{folder}.{os.getpid()}"
        try:
            got = subprocess.run([os.path.join(harness.ROOT, "tools/pebble-sid.sh"), mine], capture_output=True, text=True, timeout=300,
                                 stdin=subprocess.DEVNULL, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("NO LEVEL 00 TEST: Debian unstable's pebble did not arrive in 300 s")
        if got.returncode:
            shutil.rmtree(mine, ignore_errors=True)
            pytest.skip("NO LEVEL 00 TEST: Debian unstable's pebble is not 2.10.0 or not to be had: " + got.stderr.strip()[-300:])
        try:
            os.rename(mine, folder)
        except OSError:  # another worker was quicker
            shutil.rmtree(mine, ignore_errors=True)
    return path


@pytest.fixture(scope="session")
def dnstree():
    with harness.Stage() as s:
        try:
            tree = dns_tree.Tree(s)
        except netns.NamespaceError as e:
            pytest.skip(f"NO TEST ON THE DNS TREE: {e}")
        yield tree
