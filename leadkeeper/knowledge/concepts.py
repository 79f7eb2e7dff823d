"""Words that mean the same to people who ask a business something: a small table, English and Arabic.

It lets "how much is it" find "the fee is", and an Arabic question find an English entry. The table
is data (`concepts.txt`); a stem may belong to several concepts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from leadkeeper.knowledge.words import stems


def concepts_of(found: Iterable[str]) -> set[str]:
    """The concepts behind `found` stems, each marked with "=" so that it is no word."""
    table = _table()
    return {concept for each in found for concept in table.get(each, ())}


@cache
def _table() -> Mapping[str, frozenset[str]]:
    lines = resources.files("leadkeeper.knowledge").joinpath("concepts.txt").read_text("utf-8").splitlines()
    table: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        name, found, members = line.partition(":")
        if found and not line.startswith("#"):
            for each in stems(members):
                table[each].add("=" + name)
    return {each: frozenset(names) for each, names in table.items()}
