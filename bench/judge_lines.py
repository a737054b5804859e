#!/usr/bin/python3
"""
Lines per second of `perdure record judge` on the vectors, repeated, and the ratio to the target of 40,000. CPU time counts: the machine may
be busy. Usage: judge_lines.py [REPETITIONS]. $PERDURE_BIN names another program than build/perdure.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

TARGET = 40000
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PERDURE = os.environ.get("PERDURE_BIN") or os.path.join(ROOT, "build/perdure")


def main():
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with open(os.path.join(ROOT, "tests/vectors/vectors.json"), encoding="utf-8") as f:
        lines = [json.dumps(v) for v in json.load(f)["vectors"]]
    text = "".join(line + "\n" for line in lines)
    with tempfile.TemporaryFile("w+") as f:
        for _ in range(repetitions):
            f.write(text)
        f.seek(0)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([PERDURE, "record", "judge"], stdin=f, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rate = len(lines) * repetitions / seconds
    print(f"record judge: {rate:.0f} lines/s of CPU time, {rate / TARGET:.2f} x the target of {TARGET}; "
          f"{after.ru_maxrss} KiB at most")
    return 0 if rate >= TARGET else 1


sys.exit(main())
