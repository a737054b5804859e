#!/usr/bin/env python3
"""
Checks the house rules that a compiler does not: layers, third-party headers, banned functions, sizes of files and functions,
header comments, and that each header compiles alone. Usage: layers.py [ROOT]. One line per finding; status 1 if there is any.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

# Folders of src/, bottom layer first. A folder may include those of lower layers and itself, never its neighbours.
LAYERS = [
    {"base"},
    {"json", "persist", "crypto", "loop", "config"},
    {"http", "dns", "obs"},
    {"acme", "provider", "state"},
    {"inventory"},
    {"fleet", "watch", "migrate"},
    {"daemon"},
    {"cli"},
]
# libperdure stands alone: of the house it may use only its public header.
ALONE = {"persist"}
# Programs beside the layers: may include anything below the top.
BESIDE = {"testca"}

# Third-party header (a regular expression) -> the files of src/ that may include it.
THIRD_PARTY = {
    r"openssl/": r"src/crypto/",
    r"jansson\.h": r"src/json/",
    r"curl/": r"src/http/",
    r"yaml\.h|libpsl\.h": r"src/config/",
    r"event2/": r"src/loop/",
    r"ldns/|unbound\.h": r"src/dns/",
    r"sqlite3\.h": r"src/state/sqlite[a-z_]*\.[ch]",
    r"libpq-fe\.h": r"src/state/postgres[a-z_]*\.[ch]",
    r"idn2\.h": r"src/(persist|config)/",
}

BANNED = {
    "strcpy": "use snprintf, memcpy or a buf", "strcat": "use a buf", "sprintf": "use snprintf", "vsprintf": "use vsnprintf",
    "strtok": "use strsep or strtok_r", "atoi": "use the codec's checked numbers", "atol": "use the codec's checked numbers",
    "gets": "use fgets", "system": "use posix_spawn", "popen": "use posix_spawn", "mktemp": "use mkstemp", "rand": "use base/random.h",
    "srand": "use base/random.h", "alloca": "use the heap", "localtime": "use localtime_r", "gmtime": "use gmtime_r",
    "sleep": "timers belong on the loop", "usleep": "timers belong on the loop",
}
# What libperdure must not call: I/O, and anything that ends the process.
BANNED_IN = {
    "src/persist/": ["abort", "exit", "_exit", "assert", "printf", "fprintf", "puts", "fopen", "open", "read", "write", "close",
                     "socket", "getenv", "time", "clock_gettime", "xmalloc", "xcalloc", "xrealloc", "xstrdup", "xasprintf"],
}
# Folder -> lines a file, lines a function.
SIZES = {"src": (600, 60), "include": (600, 60), "examples": (300, 60), "tests": (900, 120), "bench": (600, 80)}


def strip(text):
    """The source with comments and the insides of strings blanked, lines kept."""
    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[-1]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def layer_of(folder):
    for i, layer in enumerate(LAYERS):
        if folder in layer:
            return i
    return None


def check_include(path, target, system):
    """The finding about one #include, or None."""
    if system:
        for header, allowed in THIRD_PARTY.items():
            if re.match(header, target) and path.startswith("src/") and not re.match(allowed, path):
                return f"<{target}> belongs to {allowed} only"
        return None
    if not path.startswith("src/"):
        return None
    if "/" not in target:
        return f'"{target}": includes are rooted, "folder/{target}"'
    folder, other = path.split("/")[1], target.split("/")[0]
    if other in (folder, "perdure") or folder in BESIDE:
        return None
    if folder in ALONE:
        return f'"{target}": src/{folder} stands alone'
    if layer_of(other) is None:
        return f'"{target}": src/{other} is in no layer'
    if layer_of(other) >= layer_of(folder):
        return f'"{target}": {other} is not below {folder}'
    return None


def check_functions(path, lines, limit):
    """Functions end at a brace in the first column; clang-format sees to that."""
    start = None
    for n, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = n
        elif line.startswith("}") and start:
            if n - start - 1 > limit:
                yield start, f"a function of {n - start - 1} lines, at most {limit}"
            start = None


def check_file(root, path):
    """Yields (line, finding) of one file."""
    with open(os.path.join(root, path), encoding="utf-8") as f:
        text = f.read()
    top = path.split("/")[0]
    max_lines, max_function = SIZES[top]
    code = strip(text)
    lines = code.split("\n")
    if text.count("\n") > max_lines:
        yield 1, f"{text.count(chr(10))} lines, at most {max_lines}"
    if not text.startswith("/*"):
        yield 1, "does not begin with a comment that says what it is for"
    if path.startswith("src/") and layer_of(path.split("/")[1]) is None and path.split("/")[1] not in BESIDE:
        yield 1, f"src/{path.split('/')[1]} is in no layer"
    banned = dict(BANNED)
    for where, names in BANNED_IN.items():
        if path.startswith(where):
            banned.update({name: f"not in {where}" for name in names})
    if top in ("tests", "bench"):
        banned = {k: v for k, v in banned.items() if k not in ("sleep", "usleep", "system")}
    call = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
    for n, line in enumerate(lines, 1):
        m = re.match(r'\s*#\s*include\s*([<"])', line)
        if m:
            target = re.search(r'[<"]([^>"]+)[>"]', text.split("\n")[n - 1]).group(1)
            wrong = check_include(path, target, m.group(1) == "<")
            if wrong:
                yield n, wrong
        for m in call.finditer(line):
            yield n, f"{m.group(1)}(): {banned[m.group(1)]}"
    for n, line in enumerate(text.split("\n"), 1):
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            yield n, "an unfinished thought; finish or delete it"
    if path.endswith(".c"):
        yield from check_functions(path, lines, max_function)


def compile_alone(root, path):
    """Whether a header includes all it needs."""
    flags = ["-fsyntax-only", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Werror", "-Isrc", "-Iinclude", "-x", "c"]
    p = subprocess.run(["cc", *flags, "-include", path, "/dev/null"], cwd=root, capture_output=True, text=True, check=False)
    return None if p.returncode == 0 else "does not compile alone: " + p.stderr.strip().split("\n")[0]


def sources(root):
    for top in SIZES:
        for folder, _, files in os.walk(os.path.join(root, top)):
            for f in sorted(files):
                if f.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, f), root)


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), ".."))
    files = list(sources(root))
    found = [(path, n, what) for path in files for n, what in check_file(root, path)]
    headers = [f for f in files if f.endswith(".h") and f.startswith(("src/", "include/"))]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, wrong in zip(headers, pool.map(lambda h: compile_alone(root, h), headers)):
            if wrong:
                found.append((path, 1, wrong))
    for path, n, what in found:
        print(f"{path}:{n}: {what}")
    print(f"{len(files)} files, {len(found)} findings")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
