"""What a person does in a conversation: speak, note, take over, give back, settle what is in doubt. Plain forms, all of them."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.channels.base import channels
from leadkeeper.config import Settings
from leadkeeper.crm import conversations, inbox, templates
from leadkeeper.errors import Conflict, Invalid
from leadkeeper.jobs import person
from leadkeeper.jobs.person import Said
from leadkeeper.web import forms, inbox_asked
from leadkeeper.web.access import Access
from leadkeeper.web.api.inbox import look_after
from leadkeeper.web.api.messages import settle_send
from leadkeeper.web.forms import Form
from leadkeeper.web.inbox_asked import PATH, Asked
from leadkeeper.web.inbox_view import Forms, places
from leadkeeper.web.pages.inbox import show
from leadkeeper.web.refused import told
from leadkeeper.web.render import redirect
from leadkeeper.web.routes import page

ONE = PATH + "/{conversation_id:int}"
LONGEST = 20_000


@page.post(f"{ONE}/say", title="Inbox", access=Access.AGENT, name="inbox_say")
async def say(request: Request) -> Response:
    """Write to the customer; the same form sent twice is one message."""
    form = await forms.read(request)
    said = Said(
        text=form.text("text", longest=LONGEST, missing="Write something first."),
        client_id=form.values.get("client_id", "")[:100],
        override=form.text("override", longest=500, required=False),
    )
    try:
        form.check()
        await _say(request, said)
    except Invalid as error:
        return await refused(request, form, error, "say")
    return redirect(request, back_of(request, form), "Your message is on its way.")


@page.post(f"{ONE}/template", title="Inbox", access=Access.AGENT, name="inbox_template")
async def send_template(request: Request) -> Response:
    """Write with an approved template: what a closed window still takes."""
    form = await forms.read(request)
    try:
        said = await request.state.db.read(_of_template, form)
        await _say(request, said)
    except Invalid as error:
        return await refused(request, form, error, "template")
    return redirect(request, back_of(request, form), "Your message is on its way.")


@page.post(f"{ONE}/note", title="Inbox", access=Access.AGENT, name="inbox_note")
async def note(request: Request) -> Response:
    """Write a note for colleagues."""
    form = await forms.read(request)
    text = form.text("note", longest=4000, missing="Write something first.")
    try:
        form.check()
        await request.state.db.write(person.note, _id(request), request.state.user.id, text)
    except Invalid as error:
        return await refused(request, form, error, "note")
    return redirect(request, back_of(request, form), "The note is kept.")


@page.post(f"{ONE}/take", access=Access.AGENT, name="inbox_take")
async def take(request: Request) -> Response:
    """Look after it oneself; the AI is silent at once."""
    user_id = request.state.user.id
    return await act(request, "This conversation is yours. The AI is silent here.", look_after, user_id, user_id)


@page.post(f"{ONE}/assign", access=Access.AGENT, name="inbox_assign")
async def assign(request: Request) -> Response:
    """Give it to a colleague."""
    form = await forms.read(request)
    chosen = forms.id_of(form.values.get("user_id", ""))
    if chosen is None:
        return redirect(request, back_of(request, form), "Choose one of the list.", kind="bad")
    return await act(request, "The conversation is assigned.", look_after, chosen, request.state.user.id)


@page.post(f"{ONE}/give-back", access=Access.AGENT, name="inbox_give_back")
async def give_back(request: Request) -> Response:
    """The AI answers again from the customer's next message on."""
    return await act(request, "The AI answers from the next message on.", look_after, None, request.state.user.id)


@page.post(f"{ONE}/read", access=Access.AGENT, name="inbox_read")
async def mark_read(request: Request) -> Response:
    """Nothing of it is unread any more."""
    return await act(request, "Marked as read.", conversations.read)


@page.post(f"{ONE}/close", access=Access.AGENT, name="inbox_close")
async def close(request: Request) -> Response:
    """It is over; the customer's next message opens a new one."""
    return await act(request, "The conversation is closed.", conversations.close, request.state.user.id)


@page.post(f"{ONE}/reopen", access=Access.AGENT, name="inbox_reopen")
async def reopen(request: Request) -> Response:
    """Open a closed conversation again."""
    return await act(request, "The conversation is open again.", conversations.reopen, request.state.user.id)


@page.post(PATH + "/messages/{message_id:int}/retry", access=Access.AGENT, name="inbox_retry")
async def retry(request: Request) -> Response:
    """Try a refused message again."""
    return await act(request, "The message is tried again.", person.retry, request.state.user.id)


@page.post(PATH + "/messages/{message_id:int}/settle", access=Access.AGENT, name="inbox_settle")
async def settle(request: Request) -> Response:
    """Say what became of a message in doubt: it arrived, or send it once more."""
    form = await forms.read(request)
    how = "resend" if form.values.get("how") == "resend" else "arrived"
    words = {"arrived": "The message is marked as arrived.", "resend": "The message is sent once more."}
    return await act(request, words[how], settle_send, how, request.state.user.id)


async def act(request: Request, words: str, what: Any, *args: Any) -> Response:
    """Do it to the conversation or message of the address, and go back to where the button stood with `words`, or why not."""
    form = await forms.read(request)
    back = back_of(request, form)
    try:
        await request.state.db.write(what, _id(request), *args)
    except (Conflict, Invalid) as error:
        return told(request, back, error)
    return redirect(request, back, words)


async def refused(request: Request, form: Form, error: Invalid, which: str) -> Response:
    """The same page with the form as it was sent and what is wrong with it."""
    return await show(request, _asked(form), _id(request), Forms(**{which: form.failed(error)}), status=400)


def back_of(request: Request, form: Form) -> str:
    """Where the form stood."""
    named = request.path_params.get("conversation_id")
    return forms.local(form.values.get("back"), f"{PATH}/{named}" if named else PATH)


def _asked(form: Form) -> Asked:
    return inbox_asked.of(dict(parse_qsl(urlsplit(forms.local(form.values.get("back"))).query)))


def _id(request: Request) -> int:
    given = request.path_params
    return int(given.get("conversation_id") or given["message_id"])


async def _say(request: Request, said: Said) -> None:
    state = request.state
    await state.db.write(_speak, state.settings, _id(request), state.user.id, said)


def _speak(conn: Connection, settings: Settings, conversation_id: int, user_id: int, said: Said) -> None:
    card = inbox.card(conn, conversation_id)
    if card.status == "closed":
        raise Invalid("This conversation is closed. Open it again to write.")
    if len(said.text) > channels.get(card.channel).capabilities.text_limit:
        raise Invalid("This is too long.", {"text": "This is too long."})
    try:
        person.say(conn, settings, conversation_id, user_id, said)
    except Conflict as error:
        raise Invalid(error.message) from error


def _of_template(conn: Connection, form: Form) -> Said:
    """The chosen template with its places filled. Raises Invalid naming each empty place."""
    chosen = forms.id_of(form.values.get("template", ""))
    row = templates.get(conn, chosen) if chosen is not None else None
    if row is None or row.status != "approved":
        raise Invalid("This template may not be sent now. Choose another one.")
    filled = {name: form.text(f"place_{name}", longest=1024) for name in places(row.body)}
    form.check()
    body = row.body
    for name, value in filled.items():
        body = body.replace(f"{{{name}}}", value)
    template = {"name": row.name, "language": row.language, "parameters": list(filled.values())}
    return Said(body, template, None, form.values.get("client_id", "")[:100], form.text("override", longest=500, required=False))
