"""One rule: what it waits for, asks and does; its texts and numbers to change; its versions; what it came to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.channels.storable import storable
from leadkeeper.errors import Conflict, Invalid, NotFound
from leadkeeper.rules import book, placeholders, runs, tallies
from leadkeeper.rules.model import Rule
from leadkeeper.rules.plain import describe, parts
from leadkeeper.rules.tallies import LATELY, Tally
from leadkeeper.store.prepared import Row
from leadkeeper.web import forms, rule_form
from leadkeeper.web.access import Access
from leadkeeper.web.api.rules import delete_rule
from leadkeeper.web.forms import Form
from leadkeeper.web.pages.job import explained, in_short
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page
from leadkeeper.web.words import catalogue, t

LONGEST_DOCUMENT = 50_000
RUNS = 10
"""Entries of the run log shown on the rule's page."""


@dataclass(frozen=True, slots=True)
class RulePage:
    """One reading of a rule."""

    rule: Rule
    document: Mapping[str, Any]
    versions: Sequence[Row]
    runs: Sequence[Row]
    tally: Tally


@page("/rules/{rule_id:int}", title="Rule", access=Access.VIEWER, name="rule")
async def rule(request: Request) -> Response:
    """The page."""
    return await _show(request, Form())


@page.post("/rules/{rule_id:int}", title="Rule", access=Access.ADMIN, name="save_rule")
async def save(request: Request) -> Response:
    """Save the fields of the form as a new version."""
    form = await forms.read(request)
    view = await request.state.db.read(read, request.path_params["rule_id"])
    document = rule_form.merged(view.document, view.rule, form)
    return await _saved(request, form, document)


@page.post("/rules/{rule_id:int}/definition", title="Rule", access=Access.ADMIN, name="save_definition")
async def save_definition(request: Request) -> Response:
    """Save the whole rule as it was written, as a new version."""
    form = await forms.read(request)
    try:
        document = read_definition(form)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return await _saved(request, form, document)


@page.post("/rules/{rule_id:int}/restore", access=Access.ADMIN, name="restore_rule")
async def restore(request: Request) -> Response:
    """Save an earlier version once more, as the newest."""
    form = await forms.read(request)
    rule_id, version = request.path_params["rule_id"], form.values.get("version", "")
    await request.state.db.write(_restore, rule_id, version, request.state.user.id)
    return redirect(request, f"/rules/{rule_id}", "Version {version} is back, as the newest.", version=version)


@page.post("/rules/{rule_id:int}/delete", access=Access.ADMIN, name="delete_rule")
async def delete(request: Request) -> Response:
    """Delete a rule with its versions and its run log."""
    await request.state.db.write(delete_rule, request.path_params["rule_id"], request.state.user.id)
    return redirect(request, "/rules", "The rule is deleted.")


@page("/rules/new", title="New rule", access=Access.ADMIN)
async def new_rule(request: Request) -> Response:
    """A new rule, beginning as a copy of another one."""
    known = await request.state.db.read(book.listed)
    chosen = request.query_params.get("from", "")
    source = next((each for each in known if str(each.id) == chosen), known[-1] if known else None)
    document = await request.state.db.read(_copy, source.id) if source is not None else book.first_set()[-1]
    return _show_new(request, Form({"definition": written(document)}), known, source)


@page.post("/rules/new", title="New rule", access=Access.ADMIN, name="add_rule")
async def add(request: Request) -> Response:
    """Keep the new rule, switched off: it is looked at once more before it acts."""
    form = await forms.read(request)
    try:
        added = await request.state.db.write(_add, read_definition(form), request.state.user.id)
    except Conflict:
        form.errors["definition"] = "There is a rule of this key already."
    except Invalid as error:
        form.failed(error)
    else:
        return redirect(request, f"/rules/{added}", "The rule is added. It is off until you switch it on.")
    return _show_new(request, form, await request.state.db.read(book.listed), None, status=400)


def read(conn: Connection, rule_id: int) -> RulePage:
    """One reading of the rows. Raises NotFound."""
    row = book.row(conn, rule_id)
    return RulePage(
        rule=book.get(conn, rule_id),
        document=book.document(row),
        versions=book.versions(conn, rule_id),
        runs=runs.log(conn, rule_id=rule_id, limit=RUNS),
        tally=tallies.read(conn).get(rule_id, Tally()),
    )


def read_definition(form: Form) -> dict[str, Any]:
    """The rule in the form's text. Raises Invalid, also for what is no JSON."""
    text = form.text("definition", longest=LONGEST_DOCUMENT)
    form.check()
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Invalid("no JSON", {"definition": f"line {getattr(error, 'lineno', 1)}: {getattr(error, 'msg', error)}"}) from error
    if not isinstance(document, dict):
        raise Invalid("no object", {"definition": "must be an object"})
    kept: dict[str, Any] = storable(document)
    return kept


def written(document: Mapping[str, Any]) -> str:
    """A rule's document for people to change."""
    return json.dumps(document, indent=2, ensure_ascii=False)


async def _show(request: Request, form: Form, status: int = 200) -> Response:
    view = await request.state.db.read(read, request.path_params["rule_id"])
    lang = request.state.lang
    by_definition = "definition" in form.values
    unplaced = _place_errors(lang, form, view.rule if not by_definition else None)
    more = {
        "view": view,
        "rule": view.rule,
        "form": form,
        "unplaced": unplaced,
        "by_definition": by_definition,
        "sentence": describe(view.rule, lang),
        "parts": parts(view.rule, lang),
        "groups": rule_form.groups(view.rule),
        "definition": form.values.get("definition") or written(view.document),
        "placeholders": sorted(placeholders.FALLBACKS),
        "explained": partial(explained, lang),
        "came_to": partial(in_short, lang),
        "admin": request.state.user.role.may(Role.ADMIN),
        "lately": LATELY.days,
    }
    return render(request, "pages/rule.html", more, status=status)


def _show_new(request: Request, form: Form, known: Sequence[Rule], source: Rule | None, status: int = 200) -> Response:
    unplaced = _place_errors(request.state.lang, form, None)
    more = {"form": form, "known": known, "source": source, "unplaced": unplaced}
    return render(request, "pages/rule_new.html", more, status=status)


def _place_errors(language: str, form: Form, rule: Rule | None) -> list[str]:
    """Put refusals into words of the reader; returns those that belong to no field of the form."""
    shown = {"name", "definition"}
    if rule is not None:
        shown |= {each.path for group in rule_form.groups(rule) for each in group.fields}
    told = {name: _in_words(language, words) for name, words in form.errors.items()}
    form.errors = {name: words for name, words in told.items() if name in shown}
    return [f"{name}: {words}" for name, words in told.items() if name not in shown]


def _in_words(language: str, words: str) -> str:
    if language == "en" or words in catalogue(language):
        return words
    return t(language, "This value cannot be used ({why}).", why=words)


async def _saved(request: Request, form: Form, document: Mapping[str, Any]) -> Response:
    rule_id = request.path_params["rule_id"]
    try:
        form.check()
        await request.state.db.write(_save, rule_id, document, request.state.user.id)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return redirect(request, f"/rules/{rule_id}", "The rule is saved. It acts this way from now on.")


def _save(conn: Connection, rule_id: int, document: Mapping[str, Any], user_id: int) -> None:
    if document != book.document(book.row(conn, rule_id)):
        book.save(conn, document, user_id, rule_id)
        audit.record(conn, "rule_changed", user_id, subject=f"rule:{rule_id}")


def _add(conn: Connection, document: Mapping[str, Any], user_id: int) -> int:
    saved = book.save(conn, document, user_id, enabled=False)
    audit.record(conn, "rule_added", user_id, subject=f"rule:{saved.id}")
    return saved.id


def _restore(conn: Connection, rule_id: int, version: str, user_id: int) -> None:
    found = next((each for each in book.versions(conn, rule_id) if str(each.version) == version), None)
    if found is None:
        raise NotFound("There is no such version.")
    key = book.row(conn, rule_id).key
    book.save(conn, {"key": key, "name": found.name, **found.definition}, user_id, rule_id)
    audit.record(conn, "rule_changed", user_id, subject=f"rule:{rule_id}", restored=found.version)


def _copy(conn: Connection, rule_id: int) -> dict[str, Any]:
    """The document of a rule under a key that is free."""
    document = book.document(book.row(conn, rule_id))
    taken = {each.key for each in book.listed(conn)}
    base = f"{document['key'][:58]}_copy"
    free = next(name for number in range(1, 1000) if (name := base if number == 1 else f"{base}{number}") not in taken)
    return {**document, "key": free, "name": f"{document['name'][:190]} (copy)"}
