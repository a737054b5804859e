"""
Many orders over few connections, at a CA that speaks HTTP/2: nginx in front of perdure-testca, which does not. Both have the same port, so that
the CA's URLs lead to nginx.
"""
import collections
import os

import pytest

import harness
from e2e import results
from harness import Perdure, TestCA, read, set_up_account, tool, wait_until, write

ORDERS = 40
AT_ONCE = 20


@pytest.fixture
def front(stage):
    if not os.access("/usr/sbin/nginx", os.X_OK):
        pytest.skip("NO TEST OF HTTP/2 AT A CA: nginx is not installed")
    port = harness.free_port()
    ca = TestCA(stage, listen=f"127.0.0.2:{port}")
    folder = stage.folder("nginx")
    tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9", "-subj", "/CN=front", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/crt")
    conf = write(os.path.join(folder, "nginx.conf"), f"""
        pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1; events {{ }}
        http {{
            log_format line '$connection $server_protocol $msec $request_time $request_uri'; access_log {folder}/access line;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
            scgi_temp_path {folder}/t5;
            upstream ca {{ server 127.0.0.2:{port}; keepalive 64; }}
            server {{ listen 127.0.0.1:{port} ssl http2; server_name localhost; ssl_certificate {folder}/crt; ssl_certificate_key {folder}/key;
                keepalive_requests 100;
                location / {{ proxy_pass https://ca; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }} }}
        }}""")
    stage.spawn(["/usr/sbin/nginx", "-p", folder, "-c", conf], os.path.join(folder, "nginx.log"))
    wait_until("nginx", 20, lambda: os.path.exists(f"{folder}/pid") and read(f"{folder}/pid").strip())
    ca.ca_bundle, ca.front = f"{folder}/crt", folder
    return ca


def in_flight(requests):
    """The most that each connection carried at once."""
    most = collections.Counter()
    for connection in {r[0] for r in requests}:
        moments = [(t, step) for r in requests if r[0] == connection for t, step in ((float(r[2]) - float(r[3]), 1), (float(r[2]), -1))]
        now = 0
        for _, step in sorted(moments):
            now += step
            most[connection] = max(most[connection], now)
    return most


def test_many_orders_share_connections(stage, front):
    """nginx closes a connection after a hundred requests: others carry what comes then, and nothing is asked twice or lost."""
    names = harness.zones_named(ORDERS)
    p = Perdure(stage, {"cas": [front.config_entry(max_orders=AT_ONCE)], "dns": {"mode": "none"}, "certificates": [{"names": [n]} for n in names]})
    set_up_account(p)
    front.fault("delay", endpoint="newOrder", ms=100)
    done = p.run("renew", "--json", timeout=120).ok()
    requests = [line.split() for line in read(f"{front.front}/access").splitlines()]
    assert {r[1] for r in requests} == {"HTTP/2.0"}
    assert results(done) == {name: "issued" for name in names}
    assert len(front.orders()) == len(front.certificates()) == ORDERS
    at_once = in_flight(requests)
    assert len(at_once) <= len(requests) // 100 + 6 < AT_ONCE and max(at_once.values()) >= AT_ONCE // 2, at_once
