"""Who changed what, and when: the audit log, the newest first."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.store.prepared import Row
from leadkeeper.web import settings_form
from leadkeeper.web.access import Access
from leadkeeper.web.render import render
from leadkeeper.web.routes import page

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Change:
    """One act as the page tells it. `about` is short and never secret: audit rows hold no secrets."""

    row: Row
    about: str


@dataclass(frozen=True, slots=True)
class ChangesView:
    """One page of acts."""

    tabs: list[tuple[str, str, bool]]
    changes: list[Change]
    next: int | None
    before: int | None


@page("/settings/changes", title="Changes", access=Access.ADMIN)
async def changes(request: Request) -> Response:
    """The log."""
    given = request.query_params.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    rows = await request.state.db.read(audit.recent, PER_PAGE + 1, before)
    shown = [Change(row, _about(row.data)) for row in rows[:PER_PAGE]]
    following = rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None
    return render(request, "pages/changes.html", ChangesView(settings_form.tabs(request), shown, following, before))


def _about(data: dict[str, Any]) -> str:
    """`timezone = Asia/Dubai, quiet_seconds = 4`: the values of a change in one short line."""
    values = data.get("values")
    told = values if isinstance(values, dict) else {name: value for name, value in data.items() if name != "names"}
    if not told and isinstance(data.get("names"), list):
        return ", ".join(str(name) for name in data["names"])[:200]
    return ", ".join(f"{name} = {_short(value)}" for name, value in told.items())[:300]


def _short(value: Any) -> str:
    text = ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
