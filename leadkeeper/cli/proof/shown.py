"""The report on a terminal: every check, the figures, what was changed for it, and the verdict."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from leadkeeper.cli.proof.report import ROWS

WIDTH = 150
"""Columns where there is no terminal: a file may be as wide as it needs."""
LONGEST = 90


def show(told: Mapping[str, Any], path: Path) -> None:
    """Print it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(_checks(told))
    console.print(_pairs("Measured", told["figures"], lambda value: f"{value:g}"))
    console.print(_pairs("Changed for this run", told["settings"], str))
    console.print(_pairs("Under these conditions", told["conditions"], str))
    held = sum(claim["holds"] for claim in told["claims"])
    console.print(f"{held} of {len(told['claims'])} claims hold, tried in {told['conditions']['seconds']:g} s. Report: {path}")
    if (path.parent / ROWS).exists() and told["conditions"]["db"] == "sqlite":
        console.print(f"The rows: LEADKEEPER_DATABASE_URL=sqlite:///{path.parent / ROWS} leadkeeper jobs list", soft_wrap=True)
    if not told["ok"]:
        console.print(f"The server's log: {path.with_suffix('.log')}", style="red")


def _checks(told: Mapping[str, Any]) -> Table:
    table = Table("", "checked", "expected", "found", "where to look", title="What is promised, and what was found")
    for claim in told["claims"]:
        table.add_section()
        table.add_row("✓" if claim["holds"] else "✗", f"{claim['number']}. {claim['title']}", style="bold")
        for check in claim["checks"]:
            mark, style = ("✓", "green") if check["holds"] else ("✗", "red")
            cells = (_cut(check[name]) for name in ("text", "expected", "found", "evidence"))
            table.add_row(f"[{style}]{mark}[/]", *cells)
    return table


def _pairs(title: str, rows: Mapping[str, Any], words: Any) -> Table:
    table = Table("name", "value", title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(str(name), words(value))
    return table


def _cut(text: str) -> str:
    from rich.markup import escape

    return escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
