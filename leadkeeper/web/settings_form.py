"""What the pages of /settings share: their tabs, what the environment has fixed, checked and recorded saving."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from leadkeeper import config
from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.errors import Forbidden, Invalid
from leadkeeper.store import settings_rows
from leadkeeper.web.forms import Form

TABS = (
    ("/settings", "Business", Role.VIEWER),
    ("/settings/answers", "Answers", Role.VIEWER),
    ("/settings/access", "Address and keys", Role.ADMIN),
    ("/settings/team", "Team", Role.ADMIN),
    ("/settings/changes", "Changes", Role.ADMIN),
)
SECRET = ("ai_key", "cron_secret", "ingest_key")
"""Never written to a page, a log or the record of changes."""


def tabs(request: Request) -> list[tuple[str, str, bool]]:
    """(address, English name, is this page) of the tabs this reader may open."""
    here = request.url.path
    chosen = max((path for path, *_ in TABS if here == path or here.startswith(path + "/")), key=len, default="/settings")
    return [(path, name, path == chosen) for path, name, least in TABS if request.state.user.role.may(least)]


async def fixed(request: Request, names: Sequence[str]) -> frozenset[str]:
    """Which of these settings the environment gives: they are shown, and changed only there."""
    rows = await request.state.db.read(settings_rows.load)
    return frozenset(name for name in names if request.state.site.source(name, rows) == "environment")


def refuse_fixed(names: frozenset[str]) -> None:
    """Raises Forbidden when a form wants to change what the environment gives."""
    if names:
        raise Forbidden("This is set by the environment: change it where Leadkeeper is started.")


def checked(form: Form, name: str, value: Any, words: str) -> Any:
    """`value`, with `words` beside the field when it may not be stored for the setting `name`."""
    if name not in form.errors:
        try:
            config.check(name, value)
        except Invalid:
            form.errors[name] = words
    return value


async def store(request: Request, values: Mapping[str, Any]) -> None:
    """Store what has changed; the next page shows it."""
    await request.state.db.write(save, values, request.state.user.id)
    request.state.site.reread()


def save(conn: Connection, values: Mapping[str, Any], user_id: int) -> None:
    """Store what has changed and record it: values in clear, except secrets."""
    before = settings_rows.load(conn)
    changed = {name: value for name, value in values.items() if name not in before or before[name] != value}
    for name, value in changed.items():
        settings_rows.save(conn, name, value, user_id)
    if changed:
        told = {name: "changed" if name in SECRET else value for name, value in changed.items()}
        audit.record(conn, "settings", user_id, names=sorted(changed), values=told)
