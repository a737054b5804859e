"""The checks of tools/layers.py find what they are there for."""
import os
import subprocess

import pytest

import harness

HEAD = "/*\n * x.c: a file.\n */\n"


@pytest.mark.parametrize("path, text, finding", [
    ("src/base/x.c", HEAD + '#include "acme/order.h"\n', "acme is not below base"),
    ("src/http/x.c", HEAD + '#include "dns/view.h"\n', "dns is not below http"),
    ("src/persist/x.c", HEAD + '#include "base/err.h"\n', "stands alone"),
    ("src/acme/x.c", HEAD + "#include <curl/curl.h>\n", "belongs to src/http/ only"),
    ("src/state/files.c", HEAD + "#include <sqlite3.h>\n", "belongs to src/state/sqlite"),
    ("src/acme/x.c", HEAD + '#include "order.h"\n', "includes are rooted"),
    ("src/acme/x.c", HEAD + "int f(char *a) { return strcpy(a, a) != 0; }\n", "strcpy()"),
    ("src/persist/x.c", HEAD + "void f(void) { abort(); }\n", "not in src/persist/"),
    ("src/acme/x.c", "int f(void);\n", "does not begin with a comment"),
    ("src/acme/x.c", HEAD + "int f(void)\n{\n" + "\tf();\n" * 61 + "}\n", "a function of 61 lines"),
    ("src/acme/x.c", HEAD + "\n" * 600, "603 lines"),
    ("src/acme/x.c", HEAD + "/* TO" + "DO: later */\n", "unfinished"),
    ("src/acme/x.h", HEAD + "size_t f(void);\n", "does not compile alone"),
    ("src/other/x.c", HEAD, "src/other is in no layer"),
])
def test_a_breach_is_found(tmp_path, path, text, finding):
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    run = subprocess.run(["/usr/bin/python3", os.path.join(harness.ROOT, "tools/layers.py"), str(tmp_path)],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 1 and finding in run.stdout, run.stdout


@pytest.mark.parametrize("text", [
    HEAD + '/* strcpy(a, b) */\nconst char *s = "system(1)";\n',
    HEAD + '#include <stdio.h>\n#include "base/err.h"\n#include "json/json.h"\n',
    HEAD + "int f(void)\n{\n" + "\tf();\n" * 60 + "}\n",
])
def test_what_is_allowed_passes(tmp_path, text):
    file = tmp_path / "src/acme/x.c"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    run = subprocess.run(["/usr/bin/python3", os.path.join(harness.ROOT, "tools/layers.py"), str(tmp_path)],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
