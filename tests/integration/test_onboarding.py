"""The first issuance of many certificates: how long it is said to take, and who comes first."""
import datetime
import os
import time

from harness import Perdure, TestCA, set_up_account, write

N = 10000


def forecast(p, *options):
    return next(line["forecast"] for line in p.run("renew", "--plan", "--json", *options).ok().lines() if "forecast" in line)


def seconds_to(moment):
    return datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() - time.time()


def test_ten_thousand_at_lets_encrypt(stage):
    """Of 300 orders at once and one every 36 seconds; no CA is asked."""
    p = Perdure(stage, {"cas": ["letsencrypt"], "certificates": [{"names_file": "names", "wildcard": True}]})
    write(os.path.join(p.folder, "names"), "".join(f"n{i}.example.com\n" for i in range(N)))
    told = forecast(p)
    assert (told["due"], told["counted"], told["exempt"]) == (N, N, 0)
    assert (told["limit_at_once"], told["limit_every"], told["at_once"]) == (300, 36.0, 300)
    # With ten times the limit: 3000 at once, and one every 3.6 seconds.
    assert abs(seconds_to(told["last_at"]) - (N - 300) * 36) < 60 and abs(seconds_to(told["override_at"]) - (N - 3000) * 3.6) < 60
    words = ("10000 due, 10000 new orders that count", "300 can go now, the last has its turn in 4 d", "ten times as high: in 7 h (ask the CA")
    for verb in (("renew", "--plan"), ("status",)):
        said = p.run(*verb).ok().out
        assert all(w in said for w in words), said[-1000:]


def test_the_urgent_come_first(stage):
    """What ends within a week, what is not there yet, the rest; those that replace a certificate are counted apart."""
    ca = TestCA(stage, profiles="short=259200,long=7776000")
    certificates = [{"names": ["late.test"], "profile": "long"}, {"names": ["early.test"], "profile": "short"}]
    p = Perdure(stage, {"cas": [ca.config_entry(max_orders=1)], "dns": {"mode": "none"}, "certificates": certificates})
    set_up_account(p)
    p.run("renew").ok()
    limits = {"orders": 5, "per": "1h", "replacing_exempt": True}
    p.configure({**p.config, "cas": [ca.config_entry(max_orders=1, limits=limits)], "certificates": [{"names": ["new.test"]}, *certificates]})
    told = forecast(p, "--force-renewal")
    assert (told["due"], told["counted"], told["exempt"]) == (3, 1, 2)
    p.run("renew", "--force-renewal").ok()
    orders = sorted(ca.orders(), key=lambda o: int(o["id"]))[2:]
    assert [o["names"] for o in orders] == [["early.test"], ["new.test"], ["late.test"]]
    assert [bool(o["replaces"]) for o in orders] == [True, False, True]
