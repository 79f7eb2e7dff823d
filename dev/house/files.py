"""House rules about files: size, names, locks, what must not be written anywhere."""

import re
from collections.abc import Iterator

from dev.house.tree import Finding, Tree

LONGEST_FILE = 300
CODE = (".py", ".js", ".css", ".html", ".sh")
DRAWERS = {"utils", "util", "helpers", "helper", "services", "managers", "common", "core", "misc"}
MACHINE_PATH = re.compile(r"(?<![\w./~$}{-])/(?:root|home|Users|work|mnt)/[\w.-]+")
INDEXES = re.compile(
    "|".join(map(re.escape, ("pypi." + "org", "pythonhosted." + "org", "npmjs." + "org", "deb.debian." + "org")))
)
MOST_LINES = {"AGENTS.md": 80, "STYLE.md": 200, "Makefile": 60}


def files_are_short(tree: Tree) -> Iterator[Finding]:
    """A file of code has at most 300 lines; the pages for contributors have limits of their own."""
    for source in tree.texts():
        most = MOST_LINES.get(source.path, LONGEST_FILE if source.path.endswith(CODE) else None)
        if "/migrations/versions/" in source.path or most is None:
            continue
        if len(source.lines) > most:
            yield source.at(most, f"has {len(source.lines)} lines, at most {most}: split it")


def no_drawers(tree: Tree) -> Iterator[Finding]:
    """Nothing is named after a drawer: a name says what is inside."""
    for path in tree.paths:
        for part in path.split("/"):
            if part.split(".")[0].lower() in DRAWERS:
                yield Finding(path, f"{part!r} is a drawer: name it after what it does")


def locks_hold_no_addresses(tree: Tree) -> Iterator[Finding]:
    """A lock holds versions and hashes; any mirror may serve them."""
    for source in tree.under(("requirements",), ".txt"):
        for number, line in enumerate(source.lines, 1):
            if "://" in line:
                yield source.at(number, "holds an address: make the lock with `make lock`")


def nothing_of_this_machine(tree: Tree) -> Iterator[Finding]:
    """No path of somebody's machine and no host of a package index in any file."""
    for source in tree.texts():
        for number, line in enumerate(source.lines, 1):
            if found := MACHINE_PATH.search(line) or INDEXES.search(line):
                yield source.at(number, f"{found.group()!r} belongs to one machine or one index")


RULES = (files_are_short, no_drawers, locks_hold_no_addresses, nothing_of_this_machine)
