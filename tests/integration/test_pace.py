"""A CA that takes so many requests a second: said in the configuration, nothing is ever too much; else it is learnt, and kept."""
import pytest

from harness import Perdure, set_up_account

# At most four requests are under way at once, so that no second sees more than five beyond the pace.
TAKES, TOLD, N = 40, 28, 14


@pytest.fixture
def site(stage, make_testca):
    ca = make_testca(always_valid=True)
    p = Perdure(stage, {"cas": [ca.config_entry()], "dns": {"mode": "none"}, "certificates": [{"names": [f"n{i}.test"]} for i in range(N)]})
    set_up_account(p)
    return p, ca, ca.fault("status", endpoint="any", status=429, retry_after="1", beyond=TAKES)


def say(p, ca, **limits):
    p.configure({**p.config, "cas": [ca.config_entry(limits=limits)]})


def forecast(p):
    return next(line["forecast"] for line in p.run("renew", "--plan", "--force-renewal", "--json").ok().lines() if "forecast" in line)


def test_told(site):
    p, ca, rule = site
    say(p, ca, requests_per_second=TOLD)
    shown = forecast(p)
    assert (shown["requests_per_second"], shown["requests"], shown["limit_at_once"]) == (TOLD, N * 7, 0)
    assert f"asked at most {TOLD} times a second: about {N * 7} requests, 3 s" in p.run("renew", "--plan").ok().out
    p.run("renew").ok()
    assert ca.hits(rule) == 0 and len(ca.certificates()) == N


def test_learnt(site):
    p, ca, rule = site
    assert forecast(p)["requests_per_second"] == 0
    p.run("renew").ok()
    first = ca.hits(rule)
    assert first > 0 and len(ca.certificates()) == N
    learnt = forecast(p)["requests_per_second"]
    assert 4 <= learnt < TAKES
    p.run("renew", "--force-renewal").ok()
    assert ca.hits(rule) == first and len(ca.certificates()) == 2 * N, learnt


def test_configuration(site):
    p, ca, _ = site
    for limits, rc in (({"requests_per_second": 5}, 0), ({"orders": 3, "per": "1h", "requests_per_second": 5}, 0),
                       ({"orders": 3, "requests_per_second": 5}, 2), ({"replacing_exempt": True, "requests_per_second": 5}, 2),
                       ({"requests_per_second": 0}, 2)):
        say(p, ca, **limits)
        assert p.run("config", "check").rc == rc, limits
