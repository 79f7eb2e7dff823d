"""Plain HTML forms: reading them, saying what is wrong beside each field, showing them again.

form = await read(request)
name = form.text("name", longest=200)
days = form.number("days", least=1, most=90)
form.check()                                   # raises Invalid with every bad field
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.datastructures import UploadFile
from starlette.requests import Request

from leadkeeper.channels.storable import storable_text
from leadkeeper.errors import Invalid, UnsupportedType

_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass
class Form:
    """The values as they came, and the errors found so far; templates show both."""

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, UploadFile] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    message: str = ""

    def text(self, name: str, *, longest: int = 1000, required: bool = True, missing: str = "Fill this in.") -> str:
        """A trimmed text; NUL and lone surrogates never get through."""
        value = storable_text(self.values.get(name, "")).strip()
        if required and not value:
            self.errors[name] = missing
        elif len(value) > longest:
            self.errors[name] = "This is too long."
        return value

    def choice(self, name: str, known: Sequence[str]) -> str:
        """One of `known`."""
        value = self.values.get(name, "")
        if value not in known:
            self.errors[name] = "Choose one of the list."
        return value

    def number(self, name: str, *, least: float, most: float, whole: bool = True) -> float:
        """A number within its limits; `least` when it is none."""
        try:
            value = int(self.values.get(name, "")) if whole else float(self.values.get(name, ""))
        except ValueError:
            self.errors[name] = "Enter a number."
            return least
        if not least <= value <= most:
            self.errors[name] = "This number is out of range."
        return value

    def flag(self, name: str) -> bool:
        """True when a checkbox of that name was ticked."""
        return self.values.get(name, "") not in ("", "0", "false", "off")

    def ids(self, name: str) -> list[int]:
        """Every id of a repeated field (ticked rows)."""
        return [found for value in self.lists.get(name, []) if (found := id_of(value)) is not None]

    def check(self) -> None:
        """Raises Invalid when a field was bad."""
        if self.errors:
            raise Invalid("Some fields need another look.", self.errors)

    def failed(self, error: Invalid) -> "Form":
        """The same form with the error's words beside its fields, to be shown again."""
        self.errors.update(error.fields)
        if not error.fields:
            self.message = error.message
        return self


async def read(request: Request) -> Form:
    """The form of a request; NUL and lone surrogates never get through. Raises UnsupportedType for any other body."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and kind not in _TYPES:
        raise UnsupportedType("Send a form here.")
    data = await request.form(max_files=20, max_fields=500)
    form = Form()
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            form.files[name] = value
        else:
            form.values[name] = storable_text(value)
            form.lists.setdefault(name, []).append(form.values[name])
    return form


def id_of(text: str) -> int | None:
    """The id a text names, if a database can hold it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def local(target: str | None, otherwise: str = "/") -> str:
    """`target` when it is a path of ours, else `otherwise`: nobody is sent to another site."""
    text = target or ""
    hostile = text[:2] in ("//", "/\\") or "\\" in text or any(ord(sign) < 33 for sign in text)
    return text if text.startswith("/") and not hostile else otherwise
