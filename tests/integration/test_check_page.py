"""docs/check.md has a paragraph for each code of `perdure check --codes`, with its severity, meaning and remedy, and for no other."""
import os
import re

import harness


def test_every_code_is_on_the_page(stage):
    codes = {c["code"]: c["severity"] for c in harness.Perdure(stage, "").run("check", "--codes", "--json").ok().lines()}
    text = harness.read(os.path.join(harness.ROOT, "docs/check.md")).partition("\n## Findings\n")[2]
    paragraphs = re.findall(r"^\*\*`([a-z-]+)`\*\* \(([a-z]+)\) (.+?)\n\n", text + "\n", re.M | re.S)
    assert {code: severity for code, severity, _ in paragraphs} == codes and len(paragraphs) == len(codes)
    for code, _, body in paragraphs:
        meaning, _, remedy = body.replace("\n", " ").partition(" *")
        assert meaning.endswith(".") and remedy.endswith(".*"), f"{code}: a meaning and then a remedy in italics"
