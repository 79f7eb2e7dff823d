"""Run the house rules over this project: `python -m dev.house`."""

import sys
from pathlib import Path

from dev.house import files, pages, python
from dev.house.tree import Tree

RULES = (*files.RULES, *python.RULES, *pages.RULES)


def main(root: Path) -> int:
    """Print what each rule found; returns 1 when something was found."""
    tree = Tree(root)
    found = [finding for rule in RULES for finding in rule(tree)]
    for finding in found:
        print(f"{finding.place}: {finding.message}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parents[2]))
