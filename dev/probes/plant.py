"""Probes in a syntax tree: `__probes__[n] = 1` before every statement and at both ways out of every branch."""

import ast
from collections.abc import Iterable, Sequence

RAN = 0
PASSED = -1

Fact = tuple[int, int]
"""(line, RAN): the line ran; (line, PASSED): its branch was not entered; (line, n): it was entered, at line n."""

HITS = "__probes__"


class Planted:
    """A module with its probes. `facts[n]` is what probe n proves once it was hit."""

    def __init__(self, source: bytes) -> None:
        self.facts: list[tuple[Fact, ...]] = []
        self.tree = ast.parse(source)
        start = _after_head(self.tree.body)
        imports = [(each.lineno, RAN) for each in self.tree.body[:start] if isinstance(each, ast.ImportFrom)]
        self.tree.body[start:] = self._block(self.tree.body[start:], *imports)

    def begin_with(self, statement: str) -> None:
        """Put a statement before the first probe: the one that provides what the probes write to."""
        start = _after_head(self.tree.body)
        self.tree.body[start:start] = [_placed(each, start + 1) for each in ast.parse(statement).body]

    def _block(self, body: Sequence[ast.stmt], *facts: Fact) -> list[ast.stmt]:
        """`body` with its probes; the first one proves `facts` too, and is there even when the body is empty."""
        planted: list[ast.stmt] = []
        for statement in body:
            ran = [(line, RAN) for line in _lines(statement)]
            planted += [self._probe([*facts, *ran], statement.lineno), statement]
            self._inside(statement)
            facts = ()
        return planted if body or not facts else [self._probe(facts, facts[0][0])]

    def _probe(self, facts: Iterable[Fact], line: int) -> ast.stmt:
        self.facts.append(tuple(facts))
        [probe] = ast.parse(f"{HITS}[{len(self.facts) - 1}] = 1").body
        return _placed(probe, line)

    def _inside(self, node: ast.stmt) -> None:
        match node:
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While():
                node.body = self._block(node.body, (node.lineno, _lines(node.body[0])[0]))
                node.orelse = self._block(node.orelse, (node.lineno, PASSED))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                start = 0 if ast.get_docstring(node, clean=False) is None else 1
                node.body[start:] = self._block(node.body[start:])
            case ast.With() | ast.AsyncWith():
                node.body = self._block(node.body)
            case ast.Try() | ast.TryStar():
                node.body = self._block(node.body)
                for handler in node.handlers:
                    handler.body = self._block(handler.body, (handler.lineno, RAN))
                node.orelse, node.finalbody = self._block(node.orelse), self._block(node.finalbody)
            case ast.Match():
                self._cases(node)

    def _cases(self, node: ast.Match) -> None:
        """Whoever comes to a case has passed those before it; a match that nothing fits has passed them all."""
        passed: list[Fact] = []
        for case in node.cases:
            line, first = case.pattern.lineno, _lines(case.body[0])[0]
            case.body = self._block(case.body, *passed, (line, RAN), (line, first))
            passed += [(line, RAN), (line, PASSED)]
        if not _fits_all(node.cases[-1]):
            anything = ast.MatchAs(lineno=node.lineno, col_offset=0, end_lineno=node.lineno, end_col_offset=0)
            node.cases.append(ast.match_case(pattern=anything, guard=None, body=self._block([], *passed)))


def _lines(statement: ast.stmt) -> list[int]:
    """The lines that run when a statement runs: its first one, and those of its decorators before it."""
    decorators = getattr(statement, "decorator_list", [])
    return [*(each.lineno for each in decorators), statement.lineno]


def _after_head(body: Sequence[ast.stmt]) -> int:
    """The index of the first statement after the docstring and `from __future__`."""
    for index, each in enumerate(body):
        docstring = index == 0 and isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        if not docstring and not (isinstance(each, ast.ImportFrom) and each.module == "__future__"):
            return index
    return len(body)


def _fits_all(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


def _placed(statement: ast.stmt, line: int) -> ast.stmt:
    for node in ast.walk(statement):
        if isinstance(node, ast.expr | ast.stmt):
            node.lineno = node.end_lineno = line
            node.col_offset = node.end_col_offset = 0
    return statement
