"""Whatever is put into the fields of a form, a page says what is wrong: it never breaks."""

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest

import leadkeeper.web
from leadkeeper.access.roles import Role
from leadkeeper.knowledge import documents
from leadkeeper.store.schema import lexicon
from leadkeeper.web.guard import GuardedRoute
from tests.web.api.conftest import new_lead, new_thread
from tests.web.conftest import Desk

TEMPLATES = Path(leadkeeper.web.__file__).parent / "templates"
FORM = "application/x-www-form-urlencoded"
BAD = ["\x00", "²", "9" * 30, "x" * 5_000]
"""NUL, a digit that is none, an id no database holds, a text without end."""
LOG_OUT = re.compile("/logout|/login|/setup$|/settings/team/|/profile/sessions/")
"""They may end the caller's session, so they come last."""


def fields() -> list[str]:
    """The name of every field of every form."""
    named = re.compile(r'name="(\w+)"')
    found = {name for path in TEMPLATES.rglob("*.html") for name in named.findall(path.read_text())}
    assert len(found) > 30
    return sorted(found)


def targets(desk: Desk) -> list[str]:
    """The address of every form."""
    found = [
        route.path
        for route in desk.app.routes
        if isinstance(route, GuardedRoute)
        and "POST" in (route.methods or ())
        and not route.path.startswith(("/api/", "/simulated"))
    ]
    assert len(found) > 40
    paths = [re.sub(r"{\w+}", "opt_out", re.sub(r"{\w+:int}", "1", path)) for path in found]
    return sorted(paths, key=lambda path: LOG_OUT.match(path) is not None)


@pytest.mark.parametrize("bad", BAD)
async def test_no_field_of_any_form_breaks_its_page(open_desk: Desk, bad: str) -> None:
    new_lead(open_desk.db)
    new_thread(open_desk.db)
    open_desk.db.write_now(documents.add, documents.NewDocument("Hours", "guidance", "We are open."))
    body = urlencode(dict.fromkeys(fields(), bad))
    owner = open_desk.caller(Role.OWNER)

    answers = {path: await owner.post(path, content=body, headers={"content-type": FORM}) for path in targets(open_desk)}

    assert [(path, answer.status_code) for path, answer in answers.items() if answer.status_code >= 500] == []
    refused = [path for path, answer in answers.items() if answer.headers.get("location") == "/login"]
    assert [path for path in refused if not LOG_OUT.match(path)] == []


async def test_removing_a_word_that_was_never_there_is_no_fault_of_ours(open_desk: Desk) -> None:
    before = open_desk.db.read_now(lambda conn: len(conn.execute(lexicon.select()).fetchall()))

    answers = [
        await open_desk.caller(Role.ADMIN).post("/rules/words/opt_out/remove", data={"word": word})
        for word in ("9" * 30, "²", "", "999999999999999999")
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert open_desk.db.read_now(lambda conn: len(conn.execute(lexicon.select()).fetchall())) == before


@pytest.mark.parametrize("left", ["null", "%5B1%5D", "%5B%22a%22%2C%22ok%22%2C3%5D", "%7B%7D", "%00", "%5B" * 2_000])
async def test_a_broken_message_cookie_is_no_message(open_desk: Desk, left: str) -> None:
    caller = open_desk.caller(Role.VIEWER)
    caller.cookies.set("leadkeeper_said", left)

    assert (await caller.get("/profile")).status_code == 200
