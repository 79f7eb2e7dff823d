"""The rules in plain words, in the order they are tried: on and off, up and down, how often they did something."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.rules import book, order, tallies
from leadkeeper.rules.model import Rule
from leadkeeper.rules.plain import brief, describe
from leadkeeper.rules.tallies import LATELY, Tally
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.api.rules import switch_rule
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/rules"


@dataclass(frozen=True, slots=True)
class Listed:
    """One rule of the list."""

    rule: Rule
    sentence: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Part:
    """Rules of one kind: `inbound` ones are tried in their order for each message, the others by the clock."""

    inbound: bool
    rules: Sequence[Listed]


@page(PATH, title="Rules", access=Access.VIEWER, menu=30, icon="rules")
async def rules(request: Request) -> Response:
    """The page."""
    parts = await request.state.db.read(read, request.state.lang)
    admin = request.state.user.role.may(Role.ADMIN)
    return render(request, "pages/rules.html", {"parts": parts, "admin": admin, "lately": LATELY.days})


@page.post(PATH + "/{rule_id:int}/switch", access=Access.ADMIN, name="switch_rule")
async def switch(request: Request) -> Response:
    """Switch a rule on or off."""
    form = await forms.read(request)
    rule_id, on = request.path_params["rule_id"], form.values.get("on") == "1"
    await request.state.db.write(switch_rule, rule_id, on, request.state.user.id)
    back = forms.local(form.values.get("back"), PATH)
    return redirect(request, back, "The rule is on." if on else "The rule is off.")


@page.post(PATH + "/{rule_id:int}/move", access=Access.ADMIN, name="move_rule")
async def move(request: Request) -> Response:
    """Change places with the neighbour above or below."""
    form = await forms.read(request)
    rule_id = request.path_params["rule_id"]
    await request.state.db.write(_move, rule_id, form.values.get("way") == "up", request.state.user.id)
    return redirect(request, f"{PATH}#rule-{rule_id}")


@page.post(PATH + "/seed", access=Access.ADMIN, name="seed_rules")
async def seed(request: Request) -> Response:
    """Add the rules of the first set that are missing."""
    added = await request.state.db.write(_seed, request.state.user.id)
    return redirect(request, PATH, "{n} rules were added.", n=added)


def read(conn: Connection, language: str) -> list[Part]:
    """One reading of the rows."""
    counted = tallies.read(conn)
    found: dict[bool, list[Listed]] = {True: [], False: []}
    for rule in book.listed(conn):
        inbound = TRIGGERS[rule.trigger.kind].inbound
        said = brief(rule, language) if inbound else describe(rule, language)
        found[inbound].append(Listed(rule, said, counted.get(rule.id, Tally())))
    return [Part(inbound, rules) for inbound, rules in found.items() if rules]


def _move(conn: Connection, rule_id: int, up: bool, user_id: int) -> None:
    if order.move(conn, rule_id, "up" if up else "down"):
        audit.record(conn, "rule_moved", user_id, subject=f"rule:{rule_id}", up=up)


def _seed(conn: Connection, user_id: int) -> int:
    added = book.seed_inbound(conn) + book.seed(conn)
    audit.record(conn, "rules_seeded", user_id, created=added)
    return added
