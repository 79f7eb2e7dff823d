"""The box at the end of a start: where Leadkeeper is, how to get in, how to stop it."""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta

LEAST_WIDTH = 56


def box(title: str, lines: Sequence[str]) -> str:
    """`lines` in a frame, for a terminal. A line that is too long widens the frame: addresses are not cut."""
    width = max(LEAST_WIDTH, *(_width(line) for line in (title, *lines)))
    top = f"╭─ {title} " + "─" * (width - _width(title) - 1) + "╮"
    body = [f"│ {line}{' ' * (width - _width(line))} │" for line in lines]
    return "\n".join([top, *body, "╰" + "─" * (width + 2) + "╯"])


def started(address: str, link: str | None, valid_for: timedelta, log_file: str | None, demo: bool = False) -> str:
    """What is said when everything runs."""
    lines = ["", f"Address   {address}"]
    if link is not None:
        minutes = int(valid_for.total_seconds() // 60)
        lines += ["", f"First owner, once, within {minutes} minutes:", link]
    if demo:
        lines += ["", "An example business is loaded. Nothing is sent to anyone."]
    lines += ["", "Stop      Ctrl+C", *([f"Log       {log_file}"] if log_file else []), ""]
    return box("Leadkeeper is running", lines)


def _width(text: str) -> int:
    """Columns a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text)
