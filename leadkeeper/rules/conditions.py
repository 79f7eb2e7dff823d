"""Conditions: a tree of all / any / not over named facts, read from JSON and evaluated with a trace.

`{"all": [{"fact": "message.words", "containsAny": ["human"]}, {"not": {"fact": "lead.stage", "is": "lost"}}]}`

Evaluation knows three answers: true, false and unknown. Only true fires; the negation of unknown is
unknown, so a rule never fires because something is not known. `present` and `absent` ask just that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from leadkeeper.errors import Invalid
from leadkeeper.rules import words
from leadkeeper.rules.catalogue import FACTS, Fact, Value
from leadkeeper.rules.facts import Facts

Trace = dict[str, Any]
DEEPEST = 8
SHOWN = 200
"""Most characters of a value kept in a trace."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One fact compared with what is expected."""

    fact: str
    operator: str
    expected: Any


@dataclass(frozen=True, slots=True)
class Branch:
    """`all`, `any` or `not` of other conditions."""

    kind: str
    of: tuple["Condition", ...]


Condition = Leaf | Branch
ALWAYS = Branch("all", ())


def _same(value: Value, expected: Any) -> bool:
    if value == expected:
        return True
    return isinstance(value, str) and isinstance(expected, str) and _same_text(value, expected)


@lru_cache(maxsize=1_000)
def _same_text(value: str, expected: str) -> bool:
    return words.normalise(value) == words.normalise(expected) or value.casefold() == expected.casefold()


def _holds(value: Value, expected: str) -> bool:
    return expected in value if isinstance(value, frozenset) else words.contains(str(value), expected)


def _begins(value: Value, expected: str) -> bool:
    wanted = words.tokens(expected)
    return words.tokens(str(value))[: len(wanted)] == wanted


_OPERATORS: Mapping[str, tuple[tuple[str, ...], str, Callable[[Any, Any], bool]]] = {
    "is": (("text", "choice", "number", "flag"), "one", _same),
    "isNot": (("text", "choice", "number", "flag"), "one", lambda value, expected: not _same(value, expected)),
    "in": (("text", "choice", "number"), "many", lambda value, expected: any(_same(value, each) for each in expected)),
    "notIn": (("text", "choice", "number"), "many", lambda value, expected: not any(_same(value, each) for each in expected)),
    "containsAny": (("text", "words"), "many", lambda value, expected: any(_holds(value, each) for each in expected)),
    "containsAll": (("text", "words"), "many", lambda value, expected: all(_holds(value, each) for each in expected)),
    "startsWith": (("text",), "one", _begins),
    "over": (("number",), "one", lambda value, expected: value > expected),
    "under": (("number",), "one", lambda value, expected: value < expected),
    "between": (("number",), "two", lambda value, expected: expected[0] <= value <= expected[1]),
    "present": (("text", "choice", "number", "words"), "true", lambda value, expected: value not in (None, "", frozenset())),
    "absent": (("text", "choice", "number", "words"), "true", lambda value, expected: value in (None, "", frozenset())),
}
"""Operator -> kinds of fact it takes, shape of what is expected, how it compares."""

OPERATORS = tuple(_OPERATORS)


def evaluate(condition: Condition, facts: Facts) -> tuple[bool | None, Trace]:
    """What a condition says of `facts`: true, false or None (unknown), with every part's value."""
    if isinstance(condition, Leaf):
        return _evaluate_leaf(condition, facts)
    results = [evaluate(each, facts) for each in condition.of]
    answers = [result for result, _ in results]
    result = _joined(condition.kind, answers)
    return result, {condition.kind: [trace for _, trace in results], "result": result}


def _evaluate_leaf(leaf: Leaf, facts: Facts) -> tuple[bool | None, Trace]:
    value = FACTS[leaf.fact].read(facts)
    result: bool | None = None
    if value is not None or leaf.operator in ("present", "absent"):
        result = _OPERATORS[leaf.operator][2](value, leaf.expected)
    trace = {"fact": leaf.fact, "operator": leaf.operator, "expected": leaf.expected, "value": _shown(leaf, value, facts)}
    return result, {**trace, "result": result}


def _joined(kind: str, answers: Sequence[bool | None]) -> bool | None:
    if kind == "not":
        return None if answers[0] is None else not answers[0]
    decisive = kind == "any"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _shown(leaf: Leaf, value: Value, facts: Facts) -> Any:
    if isinstance(value, frozenset):
        return {name: facts.words[name] for name in sorted(value) if name in facts.words}
    if isinstance(value, str):
        return value[:SHOWN]
    return round(value, 3) if isinstance(value, float) else value


def leaves(trace: Trace) -> list[Trace]:
    """Every single comparison of a trace, in order."""
    if "fact" in trace:
        return [trace]
    return [leaf for kind in ("all", "any", "not") for part in trace.get(kind, ()) for leaf in leaves(part)]


def parse(given: Any, field: str = "when", depth: int = 0) -> Condition:
    """The condition a JSON tree describes. Raises Invalid naming the part that is wrong."""
    if not isinstance(given, Mapping) or not given:
        raise _wrong(field, "must be an object with all, any, not or fact")
    if depth > DEEPEST:
        raise _wrong(field, f"is nested deeper than {DEEPEST}")
    if "fact" in given:
        return _parse_leaf(given, field)
    if len(given) != 1 or next(iter(given)) not in ("all", "any", "not"):
        raise _wrong(field, f"unknown {_first_unknown(given, ('all', 'any', 'not'))!r}; use exactly one of all, any, not, fact")
    kind, parts = next(iter(given.items()))
    if kind == "not":
        return Branch("not", (parse(parts, f"{field}.not", depth + 1),))
    if not isinstance(parts, list) or (kind == "any" and not parts):
        raise _wrong(f"{field}.{kind}", "must be a list of conditions")
    return Branch(kind, tuple(parse(part, f"{field}.{kind}[{at}]", depth + 1) for at, part in enumerate(parts)))


def dump(condition: Condition) -> dict[str, Any]:
    """The JSON of a condition; `parse` reads it back."""
    if isinstance(condition, Leaf):
        expected = condition.expected
        return {"fact": condition.fact, condition.operator: list(expected) if isinstance(expected, tuple) else expected}
    if condition.kind == "not":
        return {"not": dump(condition.of[0])}
    return {condition.kind: [dump(each) for each in condition.of]}


def _parse_leaf(given: Mapping[str, Any], field: str) -> Leaf:
    fact = FACTS.get(given["fact"]) if isinstance(given["fact"], str) else None
    if fact is None:
        raise _wrong(f"{field}.fact", f"unknown fact {given['fact']!r}")
    named = [name for name in given if name != "fact"]
    if len(named) != 1:
        raise _wrong(field, "needs exactly one operator beside the fact")
    operator = named[0]
    if operator not in _OPERATORS:
        raise _wrong(f"{field}.{operator}", f"unknown operator (known: {', '.join(OPERATORS)})")
    kinds, shape, _ = _OPERATORS[operator]
    if fact.kind not in kinds:
        raise _wrong(f"{field}.{operator}", f"does not fit {fact.name}, which is a {fact.kind}")
    expected = given[operator]
    problem = _shape_problem(fact, shape, expected)
    if problem:
        raise _wrong(f"{field}.{operator}", problem)
    return Leaf(fact.name, operator, tuple(expected) if isinstance(expected, list) else expected)


def _shape_problem(fact: Fact, shape: str, expected: Any) -> str | None:
    if shape == "true":
        return None if expected is True else "must be true"
    if shape == "one":
        return _value_problem(fact, expected)
    if not isinstance(expected, list) or not 1 <= len(expected) <= 200:
        return "must be a list of 1 to 200 values"
    problem = next((found for each in expected if (found := _value_problem(fact, each))), None)
    if problem is None and shape == "two" and (len(expected) != 2 or expected[0] > expected[1]):
        return "must be two numbers, the smaller first"
    return problem


def _value_problem(fact: Fact, value: Any) -> str | None:
    if fact.kind == "flag":
        return None if isinstance(value, bool) else "must be true or false"
    if fact.kind == "number":
        numeric = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
        return None if numeric else "must be a number"
    if not isinstance(value, str) or not value.strip() or len(value) > SHOWN:
        return f"must be a text of 1 to {SHOWN} characters"
    if fact.choices and value not in fact.choices:
        return f"unknown value {value!r} (known: {', '.join(fact.choices)})"
    return None


def _first_unknown(given: Mapping[str, Any], known: Sequence[str]) -> str:
    return next((str(name) for name in given if name not in known), str(next(iter(given))))


def _wrong(field: str, problem: str) -> Invalid:
    return Invalid(f"{field}: {problem}", {field: problem})
