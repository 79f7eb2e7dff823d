"""The blocks of a plain or Markdown text: question entries, table rows, prose, under their headings. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.+?)\s*#*$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{3,})\s*$")
_MARK = r"^\s*(?:[-*>]\s+)?(?:\d+[.)]\s*)?[*_]*(?:%s)\s*\d*\s*[*_]*\s*[:.)：\-–]\s*[*_]*\s*(.*)$"
_QUESTION = re.compile(_MARK % "q|question|faq|س|سؤال|السؤال", re.I)
_ANSWER = re.compile(_MARK % "a|answer|ج|جواب|الجواب|الإجابة|الاجابة|إجابة|اجابة", re.I)
_ROW = re.compile(r"^\s*\|(.+)\|\s*$")
_RULE = re.compile(r"^[\s|:\-]+$")
LONGEST_QUESTION = 300


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a text. `kind`: prose, qa (start and end are the answer's), row (`row` is its text)."""

    kind: str
    start: int
    end: int
    heading: str | None = None
    question: str | None = None
    row: str | None = None

    def text(self, content: str) -> str:
        """What stands between its ends."""
        return content[self.start : self.end]


@dataclass(slots=True)
class _Line:
    text: str
    start: int
    level: int = 0

    @property
    def end(self) -> int:
        return self.start + len(self.text.rstrip())


@dataclass(slots=True)
class _Reader:
    """What has been read and not yet handed out. `open_answer`: the answer goes on over blank lines."""

    path: list[str] = field(default_factory=list)
    question: str | None = None
    open_answer: bool = False
    header: list[str] | None = None
    lines: list[_Line] = field(default_factory=list)

    @property
    def heading(self) -> str | None:
        return " > ".join(each for each in self.path if each)[:500] or None

    def flush(self) -> Iterator[Block]:
        """Hand out the lines gathered; a question nobody answered is kept as prose."""
        filled = [line for line in self.lines if line.text.strip()]
        if filled:
            start = filled[0].start + len(filled[0].text) - len(filled[0].text.lstrip())
            kind = "qa" if self.question else "prose"
            yield Block(kind, start, filled[-1].end, self.heading, self.question)
        self.lines, self.question, self.open_answer, self.header = [], None, False, None


def blocks(content: str) -> Iterator[Block]:
    """Every block of a text, in order; together they hold all of its words but headings and questions."""
    reader = _Reader()
    for line in _lines(content):
        if line.level:
            yield from reader.flush()
            _enter(reader, line)
        elif asked := _QUESTION.match(line.text):
            yield from reader.flush()
            reader.question, reader.open_answer = _bare(asked[1]), True
        elif reader.question is not None and not reader.lines and (told := _ANSWER.match(line.text)):
            reader.lines.append(_Line(told[1], line.start + told.start(1)))
        elif _ROW.match(line.text):
            yield from _row(reader, line)
        elif not line.text.strip():
            if not reader.open_answer and (reader.lines or reader.header):
                yield from reader.flush()
        elif not reader.open_answer and not reader.lines and reader.question is None and _asks(line.text):
            reader.question = _bare(line.text)
        else:
            reader.lines.append(line)
    yield from reader.flush()


def _enter(reader: _Reader, line: _Line) -> None:
    """A heading: a question of its own, or the next step of the path."""
    title = _bare(line.text)
    del reader.path[line.level - 1 :]
    if _asks(title):
        reader.question, reader.open_answer = title, True
        return
    reader.path += [""] * (line.level - 1 - len(reader.path)) + [title]


def _row(reader: _Reader, line: _Line) -> Iterator[Block]:
    """A row of a Markdown table, each cell with the name of its column."""
    cells = [_bare(cell) for cell in (_ROW.match(line.text) or [""])[1].split("|")]
    if reader.header is None:
        if not reader.open_answer:
            yield from reader.flush()
        reader.header = cells
    elif not _RULE.match(line.text):
        named = zip(reader.header + [""] * len(cells), cells, strict=False)
        text = ", ".join(f"{name}: {cell}" if name else cell for name, cell in named if cell)
        if text:
            yield Block("row", line.start, line.end, reader.question or reader.heading, row=text)


def _lines(content: str) -> Iterator[_Line]:
    """Lines with their places; `level` is set on headings, whose marks are taken off."""
    held: _Line | None = None
    place = 0
    for raw in content.split("\n"):
        line = _Line(raw, place)
        place += len(raw) + 1
        if found := _HEADING.match(raw):
            line = _Line(found[2], line.start, len(found[1]))
        elif (under := _UNDERLINE.match(raw)) and held and held.text.strip() and not held.level and not _ROW.match(held.text):
            held.level = 1 if under[1].startswith("=") else 2
            continue
        if held:
            yield held
        held = line
    if held:
        yield held


def _asks(text: str) -> bool:
    bare = _bare(text)
    return bare.endswith(("?", "؟")) and len(bare) <= LONGEST_QUESTION


def _bare(text: str) -> str:
    """A heading, question or cell without Markdown's marks."""
    return text.strip().strip("*_#` \t").strip()
