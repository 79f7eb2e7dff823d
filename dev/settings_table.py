"""Write the README's table of settings from `config.Settings`: `python -m dev.settings_table`."""

import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from leadkeeper.config import FROM_DATABASE, PREFIX, Settings

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- settings: made by `python -m dev.settings_table` -->\n", "<!-- end of settings -->"


def table() -> str:
    """Name, default and meaning of every setting; those marked * can also be changed on the page /settings."""
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        star = " *" if name in FROM_DATABASE else ""
        rows.append(f"| `{PREFIX}{name.upper()}`{star} | {_default(field)} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """The README's text with this table between its two marks. Raises ValueError when a mark is missing."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "" if value in ("", None) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def main() -> int:
    """Rewrite the README."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
