"""What rules did and nearly did, each with the why: the condition that was not met, the guard that stopped it."""

from functools import partial
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.rules import book, runs
from leadkeeper.web.access import Access
from leadkeeper.web.pages.job import explained, in_short
from leadkeeper.web.render import render
from leadkeeper.web.routes import page

PATH = "/rules/log"
PAGE = 40
VERDICTS = {
    "": "All",
    "fired": "Done",
    "skipped": "Not done",
    "blocked": "Stopped by a guard",
    "deferred": "Later",
    "failed": "Failed",
}
"""What the log may be narrowed to."""


@page(PATH, title="Run log", access=Access.VIEWER)
async def rule_log(request: Request) -> Response:
    """The page; `?rule=3&verdict=blocked&lead=5` narrows it, `next` leads on."""
    query = request.query_params
    asked = {name: int(query[name]) for name in ("rule", "lead", "next") if _is_id(query.get(name, ""))}
    verdict = query.get("verdict", "") if query.get("verdict", "") in VERDICTS else ""
    view = await request.state.db.read(read, asked, verdict)
    address = partial(_address, {**asked, "verdict": verdict})
    more = {
        "asked": asked,
        "verdict": verdict,
        "verdicts": VERDICTS,
        "address": address,
        "explained": partial(explained, request.state.lang),
        "came_to": partial(in_short, request.state.lang),
    }
    return render(request, "pages/rule_log.html", {**view, **more})


def read(conn: Connection, asked: dict[str, int], verdict: str) -> dict[str, object]:
    """One page of the log, the rules to choose from, and where the next page begins."""
    found = runs.log(
        conn, rule_id=asked.get("rule"), lead_id=asked.get("lead"), verdict=verdict or None, before=asked.get("next"),
        limit=PAGE + 1,
    )  # fmt: skip
    following = found[PAGE - 1].id if len(found) > PAGE else None
    return {"runs": found[:PAGE], "following": following, "rules": book.listed(conn)}


def _address(asked: dict[str, object], **other: object) -> str:
    parts = {**asked, "next": "", **other}
    kept = {name: value for name, value in parts.items() if value not in (None, "")}
    return f"{PATH}?{urlencode(kept)}" if kept else PATH


def _is_id(given: str) -> bool:
    return given.isascii() and given.isdecimal() and 0 < len(given) < 19
