"""A process that holds keys and credentials leaves no core file, and nobody but root can look into its memory."""
import base64
import glob
import os
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest

import harness

SECRET = base64.b64encode(b"canary-in-memory-0123456789abcdef").decode()


def killed(argv, folder, env, until, user=None):
    """Starts argv with no limit for core files, waits for until(pid), aborts it; (wait status dumped, core files, owner of its /proc files)."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if not most:
        pytest.skip("the limits of this machine allow no core file")
    process = subprocess.Popen(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
    try:
        deadline = time.monotonic() + 30
        while not until(process.pid):
            assert process.poll() is None and time.monotonic() < deadline, "it did not get that far"
            time.sleep(0.02)
        owner = os.stat(f"/proc/{process.pid}/environ").st_uid
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = status
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status), glob.glob(os.path.join(folder, "core*")), owner


@pytest.fixture
def silent_server(stage):
    """A primary server that never says anything: whoever asks it holds the key in memory meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        s.setblocking(False)
        yield s


def asked(server):
    """For killed(): whether somebody has connected."""
    held = []

    def until(_pid):
        try:
            held.append(server.accept())
        except BlockingIOError:
            pass
        return held

    return until


def test_no_core_file_holds_a_credential(stage, silent_server):
    key = harness.write(os.path.join(stage.folder("key"), "edge.tsig"), f"hmac-sha256:edge:{SECRET}\n", 0o600)
    p = harness.Perdure(stage, {"cas": [{"name": "ca", "directory": "https://127.0.0.1:1/dir", "issuer": "ca.test", "level": 0,
                                         "account": {"url": "https://127.0.0.1:1/acct/1"}}],
                                "dns": {"mode": "none"},
                                "providers": [{"name": "edge", "type": "rfc2136", "server": f"127.0.0.1@{silent_server.getsockname()[1]}",
                                               "tsig": {"file": key}}],
                                "certificates": [{"names": ["w00.bench.test"]}]})
    env = p.environment()

    dumped, cores, _ = killed([shutil.which("sleep"), "60"], stage.folder("control"), env, lambda pid: True)
    if not dumped:
        pytest.skip("NO CORE FILE TEST: this machine leaves no core files at all")
    dumped, cores, _ = killed(p.command("record", "apply", "--yes", "--offline"), p.folder, env, asked(silent_server))
    assert not dumped and not cores
    told = {line["check"]: line for line in p.run("doctor", "--offline", "--json").lines()}
    assert told["memory"]["result"] == "ok" and "publisher: 1 " in str(p.run("doctor", "--offline", "--json").lines())


def test_only_root_can_look_inside(stage, silent_server):
    if os.getuid():
        pytest.skip("NO TEST OF /proc: it needs root to run something as somebody else")
    folder = stage.folder("nobody")
    os.chmod(stage.dir, 0o711)
    os.chown(folder, 65534, 65534)
    provider = f"{{name: edge, type: rfc2136, server: 127.0.0.1@{silent_server.getsockname()[1]}}}"
    config = harness.write(os.path.join(folder, "perdure.yaml"), f"state_dir: {folder}/state\nproviders: [{provider}]\n")
    program = os.path.join(folder, "perdure")
    shutil.copy(harness.perdure_path(), program)
    env = {"PATH": os.environ["PATH"], "HOME": folder}

    _, _, owner = killed([shutil.which("sleep"), "60"], folder, env, lambda pid: True, user=65534)
    assert owner == 65534
    _, _, owner = killed([program, "--config", config, "provider", "test", "edge", "--name", "w00.bench.test"], folder, env, asked(silent_server), user=65534)
    assert owner == 0
