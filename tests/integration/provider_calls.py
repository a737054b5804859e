"""Driving provider_tool: the drivers against real servers, one call after the other."""
import json
import os
import subprocess

import yaml

from harness import ROOT, write


def tool_path():
    """provider_tool of the build that $PERDURE_BIN is of."""
    build = os.path.dirname(os.path.abspath(os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure")))
    return os.path.join(build, "tests/integration/provider_tool")


def configure(stage, *entries, name="provider.yaml", **more):
    """A configuration with these providers; its path."""
    text = yaml.safe_dump({"state_dir": os.path.join(stage.dir, "state"), "providers": list(entries), **more})
    return write(os.path.join(stage.folder("config"), name), text)


class Calls:
    """A provider_tool at work. Answers are dicts; .output has all that it printed, the log at debug level included."""

    def __init__(self, config, provider="edge", wrap=()):
        self.argv = [*wrap, tool_path(), config, provider]
        self.output = ""

    def run(self, *commands):
        """All commands with one opened provider; their answers."""
        text = "".join("\t".join(str(f) for f in c) + "\n" for c in commands)
        p = subprocess.run(self.argv, input=text, text=True, capture_output=True, timeout=120, check=False)
        self.output += p.stdout + p.stderr
        if p.returncode:
            raise AssertionError(f"provider_tool: {p.returncode}: {p.stdout}{p.stderr}")
        return [json.loads(line) for line in p.stdout.splitlines()]

    def one(self, *command):
        return self.run(command)[0]

    def ensure(self, name, kind, ttl, *values):
        """values are "+DATA" and "-DATA"."""
        return self.one("ensure", name, kind, ttl, *values)

    def start(self, *commands):
        """The same without waiting: a process whose stdout will have the answers."""
        text = "".join("\t".join(str(f) for f in c) + "\n" for c in commands)
        p = subprocess.Popen(self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        p.stdin.write(text)
        p.stdin.close()
        p.stdin = None
        return p
