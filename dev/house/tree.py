"""What the rules look at: the files of the project, read and parsed once."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PYTHON_FOLDERS = ("leadkeeper", "tests", "dev")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken at a place (`path:line`)."""

    place: str
    message: str


@dataclass(frozen=True)
class Source:
    """One text file; `path` is relative to the project's folder, with forward slashes."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module (Python files only); empty when it does not parse: the linter says so."""
        try:
            return ast.parse(self.text, self.path)
        except SyntaxError:
            return ast.Module([], [])

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the module, walked once for all rules."""
        return list(ast.walk(self.tree))

    def at(self, line: int, message: str) -> Finding:
        """A finding at a line of this file."""
        return Finding(f"{self.path}:{line}", message)


class Tree:
    """The project's files, without what git ignores."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def paths(self) -> list[str]:
        """Every file that is, or is about to be, part of the project."""
        listing = ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        found = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
        return sorted(path for path in found if path and (self.root / path).is_file())

    def python(self, *folders: str) -> Iterator[Source]:
        """Python files under `folders` (default: all of ours)."""
        return self.under(folders or PYTHON_FOLDERS, ".py")

    def under(self, folders: tuple[str, ...], *endings: str) -> Iterator[Source]:
        """Files under `folders` whose name ends with one of `endings`."""
        for path in self.paths:
            if path.endswith(endings) and any(path.startswith(folder + "/") for folder in folders):
                yield self._source(path)

    def texts(self) -> Iterator[Source]:
        """Every file that is text."""
        for path in self.paths:
            if b"\0" not in (self.root / path).read_bytes()[:4096]:
                yield self._source(path)

    def _source(self, path: str) -> Source:
        if path not in self._sources:
            self._sources[path] = Source(path, (self.root / path).read_text(encoding="utf-8", errors="replace"))
        return self._sources[path]

    @cached_property
    def _sources(self) -> dict[str, Source]:
        return {}


Rule = Callable[[Tree], Iterator[Finding]]
