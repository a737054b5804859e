"""Running programs and measuring them: wall time, CPU time, memory. Standard library only."""
import os
import select
import statistics
import subprocess
import time


class Run:
    """A finished run: wall (s), cpu (s, user and system), rc, out (bytes), lines of it, peak_rss and peak_anon (KiB; 0 when not watched)."""

    def __init__(self, wall, cpu, rc, out, lines, peak_rss, peak_anon):
        self.wall, self.cpu, self.rc, self.out, self.lines = wall, cpu, rc, out, lines
        self.peak_rss, self.peak_anon = peak_rss, peak_anon


def _memory(pid):
    """(VmHWM, RssAnon) of a process in KiB; zeros when it is gone."""
    values = {}
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith(("VmHWM:", "RssAnon:")):
                    values[line.split(":")[0]] = int(line.split()[1])
    except (OSError, ValueError):
        return 0, 0
    return values.get("VmHWM", 0), values.get("RssAnon", 0)


def run(argv, env=None, stdin=None, cwd=None, watch=0.0, keep=True, errors=False, quiet=False, ok=(0,)):
    """
    Runs argv to its end. stdin: an open file, or bytes. watch: looks at its memory every so many seconds, which costs
    time: not for runs whose time counts (the kernel's own maximum is of no use here, it counts the parent's memory
    before exec). keep=False: what it says is counted, not kept; errors=True: standard error too, quiet=True: standard error is thrown away.
    RuntimeError when the status is not one of `ok`.
    """
    source = subprocess.DEVNULL if stdin is None else subprocess.PIPE if isinstance(stdin, bytes) else stdin
    out_read, out_write = os.pipe()
    start = time.perf_counter()
    p = subprocess.Popen(argv, stdin=source, stdout=out_write, env=env, cwd=cwd,
                         stderr=subprocess.STDOUT if errors else subprocess.DEVNULL if quiet else None)
    os.close(out_write)
    if isinstance(stdin, bytes):
        p.stdin.write(stdin)  # no more than a pipe holds, or the program reads it before it writes
        p.stdin.close()
    rss = anon = lines = 0
    looked = 0.0
    chunks = []
    while True:
        if watch and time.perf_counter() - looked >= watch:
            looked = time.perf_counter()
            now_rss, now_anon = _memory(p.pid)
            rss, anon = max(rss, now_rss), max(anon, now_anon)
        if watch and not select.select([out_read], [], [], watch)[0]:
            continue
        chunk = os.read(out_read, 1 << 20)
        if not chunk:
            break
        lines += chunk.count(b"\n")
        if keep:
            chunks.append(chunk)
    os.close(out_read)
    _, status, usage = os.wait4(p.pid, 0)
    wall = time.perf_counter() - start
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode not in ok:
        raise RuntimeError(f"{' '.join(argv)}: status {p.returncode}: {b''.join(chunks)[-2000:].decode(errors='replace')}")
    return Run(wall, usage.ru_utime + usage.ru_stime, p.returncode, b"".join(chunks), lines, rss, anon)


def alternate(times, **programs):
    """Calls the functions in turn, so many times each; lists of what they returned, by name."""
    results = {name: [] for name in programs}
    for _ in range(times):
        for name, function in programs.items():
            results[name].append(function())
    return results


def median(values):
    return statistics.median(values)


def spread(values, digits=2, factor=1.0):
    """ "median (lowest to highest)" as text."""
    v = [x * factor for x in values]
    return f"{median(v):.{digits}f} ({min(v):.{digits}f} to {max(v):.{digits}f})"


class Report:
    """Markdown and the numbers behind it."""

    def __init__(self):
        self.lines, self.numbers, self.missed = [], {}, []

    def say(self, line=""):
        self.lines.append(line)
        print(line, flush=True)

    def head(self, title):
        self.say()
        self.say(f"## {title}")
        self.say()

    def table(self, *columns):
        self.say("| " + " | ".join(columns) + " |")
        self.say("|" + "---|" * len(columns))

    def row(self, *cells):
        self.say("| " + " | ".join(str(c) for c in cells) + " |")

    def keep(self, key, value):
        self.numbers[key] = value

    def target(self, what, got, text, limit, reached, unit=""):
        """A row of a table of targets: what was measured, as text, the limit and whether it is reached."""
        self.keep(what, {"got": got, "target": limit, "reached": bool(reached), "unit": unit})
        if not reached:
            self.missed.append(what)
        self.row(what, text, limit, "reached" if reached else "**missed**")


def counted(fleet, work):
    """What work() returns, with .requests to the CA and .writes to the DNS."""
    requests, writes = fleet.ca.request_count(), fleet.knot.update_count()
    done = work()
    done.requests, done.writes = fleet.ca.request_count() - requests, fleet.knot.update_count() - writes
    return done
