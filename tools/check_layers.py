#!/usr/bin/env python3
"""Checks the #include lines under src/ and tests/ against the table of layers in ARCHITECTURE.md.

The table under the heading "## Layers" has a row a layer, lowest first: `| layer | may include |`. A layer may include
itself and the layers its row names, all of which must stand above it. The link edges in CMakeLists.txt (`dbb_layer(...
USES ...)`) must be the same ones. src/cli is for nobody to include; tests/ may include every layer but that.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def read_table(document):
    """The allowed edges: {layer: set of layers}, in the table's order."""
    section = re.search(r"^## Layers\s*$(.*?)(?=^## |\Z)", document, re.MULTILINE | re.DOTALL)
    if not section:
        sys.exit('ARCHITECTURE.md: no heading "## Layers"')
    edges = {}
    for line in section.group(1).splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if not line.strip().startswith("|") or len(cells) < 2 or not re.fullmatch(r"[a-z_]+", cells[0]):
            continue
        if cells[0] == "layer":
            continue
        edges[cells[0]] = set(re.findall(r"[a-z_]+", cells[1]))
    if not edges:
        sys.exit('ARCHITECTURE.md: no table `| layer | may include |` under "## Layers"')
    return edges


def check_table(edges):
    seen = set()
    for layer, allowed in edges.items():
        for other in sorted(allowed - seen):
            yield f"ARCHITECTURE.md: {layer} may include {other}, which is not a layer above it"
        seen.add(layer)


def check_links(edges, cmake):
    linked = {}
    for name, body in re.findall(r"^dbb_layer\((\w+)([^)]*)\)", cmake, re.MULTILINE):
        uses = re.search(r"\bUSES\b([^A-Z]*)", body)
        linked[name] = set(uses.group(1).split()) if uses else set()
    for layer in sorted(edges.keys() | linked.keys()):
        if layer not in edges or layer not in linked:
            yield f"layer {layer} is missing from {'ARCHITECTURE.md' if layer in linked else 'CMakeLists.txt'}"
        elif edges[layer] != linked[layer]:
            differing = ", ".join(sorted(edges[layer] ^ linked[layer]))
            yield f"CMakeLists.txt and ARCHITECTURE.md disagree on what {layer} uses: {differing}"


def check_file(path, root, edges):
    parts = path.relative_to(root).parts
    if parts[0] == "src":
        layer = parts[1]
        allowed = edges[layer] | {layer}
        if re.search(r"_(test|bench|fuzz)\.cc$", path.name):
            allowed = allowed | {"support"}
    else:
        layer = "tests"
        allowed = edges.keys() - {"cli"} | {"support"}

    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        bracket, header = match.groups()
        first = header.split("/")[0]
        place = f"{path.relative_to(root)}:{number}"
        if bracket == "<":
            if "/" in header and (root / "src" / header).exists():
                yield f'{place}: <{header}> is ours: "{header}"'
        elif "/" not in header or not ((root / "src" / header).exists() or (root / "tests" / header).exists()):
            yield f'{place}: "{header}" is no file of ours by its layer path'
        elif first not in allowed:
            yield f"{place}: {layer} may not include {first}"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    edges = read_table((root / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    findings = list(check_table(edges))
    findings += check_links(edges, (root / "CMakeLists.txt").read_text(encoding="utf-8"))

    files = 0
    for path in sorted([*root.glob("src/**/*"), *root.glob("tests/**/*")]):
        if path.suffix not in (".h", ".cc"):
            continue
        parts = path.relative_to(root).parts
        if parts[0] == "src" and (len(parts) != 3 or parts[1] not in edges):
            findings.append(f"{path.relative_to(root)}: not in a layer's folder")
            continue
        files += 1
        findings += check_file(path, root, edges)

    for finding in findings:
        print(finding)
    print(f"layers: {files} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
