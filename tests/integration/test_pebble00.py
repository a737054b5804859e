"""The level 00 server used by other tests is one: it offers what a level 00 server offers, and comes up."""


def test_pebble00_starts(pebble00, make_knot, make_pebble):
    ca = make_pebble(make_knot(["w01.bench.test"]), binary=pebble00)
    assert b"newOrder" in ca.get(ca.dir_url)
