"""The word lists messages are read against: what is in them, a message to try, words to add and take away."""

from collections import Counter
from functools import partial
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.access.roles import Role
from leadkeeper.errors import Invalid, NotFound
from leadkeeper.rules import labels, word_rows, words
from leadkeeper.rules.words import ALONE, CLASSES, CODES, LISTS, WHOLE
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.filters import humanise
from leadkeeper.web.forms import Form
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/rules/words"
SHOWN = 200
"""Phrases on one page."""
NAMES = {
    "human": "Asks for a person", "anger": "Anger", "legal": "Law", "refund": "Money back", "payment": "A payment of theirs",
    "complaint": "Complaint", "opt_out": "Stop", "opt_in": "Start again", "acknowledgement": "Mere thanks",
    "greeting": "Mere greeting", "service": "Services", "nationality": "Nationalities", "expiry": "Things that expire",
}  # fmt: skip
KINDS = (
    ("Hand over to a person", CLASSES, "A message that holds one of these phrases goes to a person."),
    ("Whole messages", WHOLE, "These count only when they are all that was written."),
    ("What a phrase stands for", CODES, "These fill in fields: a service, a country, a document."),
)
"""(title, lists, what they do)."""
LANGUAGES = {"en": "English", "ar": "العربية"}


@page(PATH, title="Word lists", access=Access.VIEWER)
async def word_lists(request: Request) -> Response:
    """Every list with its size, and a box to try a message."""
    tried = forms.Form(dict(request.query_params)).text("try", longest=1000, required=False)[:1000]
    counts, hits = await request.state.db.read(_overview, tried)
    return render(
        request, "pages/word_lists.html", {"kinds": KINDS, "names": NAMES, "counts": counts, "tried": tried, "hits": hits}
    )


@page(PATH + "/{list}", title="Word list", access=Access.VIEWER, name="word_list")
async def word_list(request: Request) -> Response:
    """One list in one language."""
    return await _show(request, Form())


@page.post(PATH + "/{list}/add", title="Word list", access=Access.ADMIN, name="add_word")
async def add(request: Request) -> Response:
    """Add a phrase, or take back that one was removed."""
    form, name = await forms.read(request), _known(request)
    language = form.values.get("language", "en")
    phrase = form.text("phrase", longest=word_rows.LONGEST_PHRASE)
    value = form.text("value", longest=64, required=False)
    given = ALONE + phrase if form.flag("alone") and not phrase.startswith(ALONE) else phrase
    try:
        form.check()
        added = await request.state.db.write(_add, name, language, given, value, request.state.user.id)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    words_ = "“{phrase}” is added." if added else "“{phrase}” was there already."
    return redirect(request, f"{PATH}/{name}?language={_language(language)}", words_, phrase=phrase)


@page.post(PATH + "/{list}/remove", access=Access.ADMIN, name="remove_word")
async def remove(request: Request) -> Response:
    """Take a phrase away; the next page offers to undo it."""
    form, name = await forms.read(request), _known(request)
    (word_id,) = form.ids("word")[:1] or [0]
    gone = await request.state.db.write(_remove, word_id, request.state.user.id)
    return redirect(request, f"{PATH}/{name}?language={_language(gone.language)}&undo={word_id}")


async def _show(request: Request, form: Form, status: int = 200) -> Response:
    name = _known(request)
    language = _language(form.values.get("language") or request.query_params.get("language", "en"))
    search = Form(dict(request.query_params)).text("q", longest=100, required=False)[:100]
    rows, gone = await request.state.db.read(_rows, name, request.query_params.get("undo", ""))
    mine = [row for row in rows if row.language == language and search.casefold() in f"{row.phrase} {row.value}".casefold()]
    more = {
        "name": name,
        "title": NAMES[name],
        "language": language,
        "languages": LANGUAGES,
        "counts": Counter(row.language for row in rows),
        "words": mine[:SHOWN],
        "more": max(0, len(mine) - SHOWN),
        "search": search,
        "coded": name in CODES,
        "meaning": partial(_meaning, name, request.state.lang),
        "values": sorted({row.value for row in rows}) if name in CODES else (),
        "whole": name in WHOLE,
        "alone": ALONE,
        "gone": gone,
        "form": form,
        "admin": request.state.user.role.may(Role.ADMIN),
    }
    return render(request, "pages/word_list.html", more, status=status)


def _meaning(name: str, language: str, value: str) -> str:
    """What a value of a coded list is called."""
    if name == "nationality":
        return labels.nationality(value, language)
    found = labels.service(value, language) if name == "service" else labels.expiry(value, language)
    return found or humanise(value)


def _known(request: Request) -> str:
    name = str(request.path_params["list"])
    if name not in LISTS:
        raise NotFound("There is no such word list.")
    return name


def _language(given: str) -> str:
    return given if given in LANGUAGES else "en"


def _overview(conn: Connection, tried: str) -> tuple[dict[str, int], list[words.Hit]]:
    hits = list(words.current(conn).match(tried)) if tried else []
    return dict(word_rows.counts(conn)), hits


def _rows(conn: Connection, name: str, undo: str) -> tuple[list[Any], dict[str, Any] | None]:
    """The list's rows, and the phrase an address offers to bring back."""
    rows = word_rows.listed(conn, name)
    gone = audit.last_with(conn, "word_removed", f"word:{undo}") if undo.isdecimal() and len(undo) < 19 else None
    there = {(row.language, row.phrase) for row in rows}
    fits = gone is not None and gone.get("list") == name and (gone.get("language"), gone.get("phrase")) not in there
    return rows, gone if fits else None


def _add(conn: Connection, name: str, language: str, phrase: str, value: str, user_id: int) -> bool:
    added = word_rows.add(conn, name, language, phrase, value)
    if added is not None:
        audit.record(conn, "word_added", user_id, subject=f"word:{added}", list=name, language=language, phrase=phrase)
    return added is not None


def _remove(conn: Connection, word_id: int, user_id: int) -> Any:
    gone = word_rows.remove(conn, word_id)
    kept = {"list": gone.list, "language": gone.language, "phrase": gone.phrase, "value": gone.value}
    audit.record(conn, "word_removed", user_id, subject=f"word:{word_id}", **kept)
    return gone
