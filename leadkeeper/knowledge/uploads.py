"""A file someone uploads, read into the text of a training document. Pure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from leadkeeper.errors import Invalid
from leadkeeper.knowledge.scripts import ARABIC, script_of
from leadkeeper.knowledge.words import fold

TYPES = ("guidance", "examples", "policies", "scripts", "faq")
FORMATS = {".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md", ".csv": "csv"}
LATER = {
    ".pdf": "PDF files cannot be read yet: save it as text (.txt) and upload that",
    ".doc": "Word files cannot be read yet: save it as text (.txt) and upload that",
    ".docx": "Word files cannot be read yet: save it as text (.txt) and upload that",
    ".xls": "spreadsheets cannot be read yet: save it as CSV with the columns question and answer",
    ".xlsx": "spreadsheets cannot be read yet: save it as CSV with the columns question and answer",
}
QUESTION_HEADERS = frozenset(map(fold, ("question", "questions", "q", "faq", "سؤال", "السؤال", "الأسئلة", "أسئلة", "س")))
ANSWER_HEADERS = frozenset(
    map(fold, ("answer", "answers", "a", "response", "reply", "جواب", "الجواب", "الإجابة", "إجابة", "الأجوبة", "الرد", "رد", "ج"))
)
_CONTROLS = {code: " " for code in range(32) if chr(code) not in "\t\n\r"} | {0: "\ufffd", 0xFEFF: None}


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A training document before it is stored. `format` is txt, md or csv."""

    title: str
    type: str
    content: str
    format: str = "txt"
    filename: str | None = None


def from_upload(filename: str, data: bytes, title: str, type_: str, limit_bytes: int) -> NewDocument:
    """The document an uploaded file holds. Its name decides what it is, not its MIME type.

    Raises Invalid, naming the field: no file, over `limit_bytes`, a type we do not read, a CSV
    without question and answer columns, no title, no or an unknown type.
    """
    name = PurePath(filename.replace("\\", "/")).name
    if not name or not data:
        raise Invalid("no file was given", {"file": "choose a file that is not empty"})
    if len(data) > limit_bytes:
        raise Invalid("the file is too large", {"file": f"at most {limit_bytes // 2**20} MB"})
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        reason = LATER.get(suffix, "only .txt, .md and .csv files can be read")
        raise Invalid("this file type cannot be read", {"file": reason})
    if data.startswith((b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise Invalid("this file type cannot be read", {"file": "the content is not text, whatever its name says"})
    return checked(NewDocument(title, type_, decode(data), FORMATS[suffix], name[:300]), limit_bytes)


def checked(new: NewDocument, limit_bytes: int) -> NewDocument:
    """`new` with its texts cleaned. Raises Invalid, naming each bad field."""
    title, type_, content = clean(new.title).strip(), new.type.strip().lower(), clean(new.content)
    fields: dict[str, str] = {}
    if not 1 <= len(title) <= 300:
        fields["title"] = "1 to 300 characters"
    if type_ not in TYPES:
        fields["type"] = "one of " + ", ".join(TYPES)
    if not content.strip():
        fields["content"] = "the document holds no text"
    elif len(content.encode()) > limit_bytes * 2:
        fields["content"] = f"at most {limit_bytes // 2**20} MB"
    if fields:
        raise Invalid("the document was not saved", fields)
    if new.format == "csv":
        entries(content)
    return NewDocument(title, type_, content, new.format, new.filename)


def decode(data: bytes) -> str:
    """The text of `data`: UTF-8, UTF-16 with its mark, else the Windows code page that reads as words."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return clean(data.decode("utf-16", "replace"))
    try:
        return clean(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return clean(_windows(data))


def clean(text: str) -> str:
    """`text` as both databases can store it: no NUL, no lone surrogate, no control codes, \\n line ends."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.translate(_CONTROLS).replace("\r\n", "\n").replace("\r", "\n")


def entries(content: str) -> list[tuple[int, str, str]]:
    """(line number from 1, question, answer) of each row of a CSV text; rows lacking either are left out.

    Raises Invalid when the first row does not name a question and an answer column.
    """
    rows = csv.reader(io.StringIO(content), _dialect(content))
    try:
        header = [fold(cell).strip(" :؟?*\t") for cell in next(rows, [])]
        question, answer = _column(header, QUESTION_HEADERS), _column(header, ANSWER_HEADERS)
        found = [(rows.line_num, row) for row in rows if len(row) > max(question, answer)]
    except csv.Error as error:
        raise Invalid("the CSV cannot be read", {"file": str(error)}) from error
    pairs = [(line, row[question].strip(), row[answer].strip()) for line, row in found]
    filled = [pair for pair in pairs if pair[1] and pair[2]]
    if not filled:
        raise Invalid("the CSV holds no entry", {"file": "no row has both a question and an answer"})
    return filled


def _column(header: Sequence[str], names: frozenset[str]) -> int:
    for place, cell in enumerate(header):
        if cell in names:
            return place
    wanted = "the first row must name the columns question and answer (سؤال and جواب)"
    raise Invalid("the CSV has no question and answer columns", {"file": wanted})


def _dialect(content: str) -> type[csv.Dialect]:
    """Comma, semicolon or tab, whichever the first line holds most of: spreadsheets differ by country."""
    first = content.split("\n", 1)[0]
    delimiters = sorted(",;\t|", key=first.count, reverse=True)

    class Found(csv.excel):
        delimiter = delimiters[0]

    return Found


def _windows(data: bytes) -> str:
    """cp1256 when it reads as mostly Arabic letters, else cp1252."""
    arabic = data.decode("cp1256", "replace")
    letters = [letter for letter in arabic if letter.isalpha() and ord(letter) > 127]
    if letters and sum(script_of(letter) == ARABIC for letter in letters) * 2 > len(letters):
        longest = max((len(run) for run in _arabic_runs(arabic)), default=0)
        if longest >= 3:
            return arabic
    return data.decode("cp1252", "replace")


def _arabic_runs(text: str) -> list[str]:
    """Runs of Arabic letters: an accented French letter misread as Arabic stands alone."""
    return "".join(letter if script_of(letter) == ARABIC else " " for letter in text).split()
