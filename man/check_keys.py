#!/usr/bin/env python3
"""Compares the KEYS part of perdure.yaml(5) with the schema table.

usage: check_keys.py SCHEMA_MDOC PAGE [--write]

SCHEMA_MDOC prints what the part must say; --write puts it there.
"""
import difflib
import subprocess
import sys

BEGIN = '.\\" begin of what schema_mdoc prints\n'
END = '.\\" end of what schema_mdoc prints\n'


def main():
    program, page = sys.argv[1:3]
    wanted = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    with open(page, encoding='utf-8') as f:
        text = f.read()
    head, rest = text.split(BEGIN)
    found, tail = rest.split(END)
    if '--write' in sys.argv[3:]:
        with open(page, 'w', encoding='utf-8') as f:
            f.write(head + BEGIN + wanted + END + tail)
        return 0
    if found == wanted:
        print(f'{wanted.count(".It ")} keys documented')
        return 0
    sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), page, 'schema'))
    print(f'{page} is behind the schema: run "ninja -C build man-update"', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
