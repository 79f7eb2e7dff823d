"""One run of the scheduled rules: how far it is, what each rule came to, and a dry run's exact texts."""

from collections import Counter
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.rules import run_book
from leadkeeper.rules.plain import why
from leadkeeper.rules.run_book import RunView
from leadkeeper.web.access import Access
from leadkeeper.web.render import render
from leadkeeper.web.routes import page

ITEMS = 40
"""Items of a dry run on one page."""
VERDICTS = {"would_send": "Would send", "would_act": "Would do, without a message", "deferred": "Later"}


@page("/admin/automation/runs/{run_id:int}", title="Run", access=Access.VIEWER)
async def run_page(request: Request) -> Response:
    """The page; live while the run is under way."""
    view: RunView = await request.state.db.read(run_book.view, request.path_params["run_id"])
    given = request.query_params.get("from", "")
    first = int(given) if given.isdecimal() and len(given) < 6 else 0
    more = {
        "view": view,
        "under_way": view.status in ("queued", "running"),
        "items": view.items[first : first + ITEMS],
        "following": first + ITEMS if len(view.items) > first + ITEMS else None,
        "first": first,
        "counted": Counter(str(each["verdict"]) for each in view.items),
        "verdicts": VERDICTS,
        "rule_names": {each["ruleId"]: each["name"] for each in view.rules},
        "why": partial(_why, request.state.lang),
        "now": clock.now(),
        "admin": request.state.user.role.may(Role.ADMIN),
    }
    return render(request, "pages/automation_run.html", more)


def _why(language: str, reason: str | None) -> str:
    return why(reason, language)
