"""The inbox by JSON: the list, a thread, what a person says in it, who looks after it."""

from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import AliasChoices, Field
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from leadkeeper.access import audit, users
from leadkeeper.access.roles import Role
from leadkeeper.config import Settings
from leadkeeper.crm import conversations, inbox, spoken
from leadkeeper.crm.inbox import Wanted
from leadkeeper.errors import Invalid, LeadkeeperError
from leadkeeper.jobs import conversation as threads
from leadkeeper.jobs import person
from leadkeeper.jobs.person import Said, WindowClosed
from leadkeeper.web.access import Access
from leadkeeper.web.errors import refusal
from leadkeeper.web.idempotency import Key, answer_once
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, Id, Limit, Word
from leadkeeper.web.said_json import conversation_json, message_json, thread_json

PATH = "/api/inbox/conversations"

readers = router(PATH, access=Access.VIEWER, tag="Inbox")
agents = router(PATH, access=Access.AGENT, tag="Inbox")

Place = Annotated[str | None, Query(alias="next", max_length=40)]
Older = Annotated[int | None, Query(alias="next", ge=1, le=LARGEST_ID)]
Text = Annotated[str, Field(max_length=20_000)]


class Message(Shape):
    """A text, a template, or a medium by its address. The same `clientMessageId` again changes nothing."""

    text: Text = Field("", validation_alias=AliasChoices("text", "message", "body", "content"))
    template_name: str = Field("", max_length=512)
    template_language: str = Field("en", max_length=16)
    template_params: list[str] | dict[str, str] = Field(default_factory=list, max_length=50)
    media_id: str = Field("", max_length=300)
    media_url: str = Field("", max_length=2_000)
    media_type: Literal["image", "document", "video", "audio"] | None = None
    media_caption: Text = ""
    media_filename: str = Field("", max_length=240)
    client_message_id: str = Field("", max_length=100)
    override: str = Field("", max_length=500, description="why you write to somebody who asked for no more messages")


class Owner(Shape):
    """Who looks after the conversation; null gives it back to the AI."""

    user_id: int | None = Field(ge=1, le=LARGEST_ID)


class Note(Shape):
    """An internal note."""

    text: Text = Field(validation_alias=AliasChoices("text", "note", "content", "body"))


class State(Shape):
    """Open, or closed until the customer writes again."""

    status: Literal["open", "closed"] = Field(validation_alias=AliasChoices("status", "state"))


@readers.get("")
async def list_conversations(
    request: Request,
    view: Word = "all",
    channel: Word | None = None,
    search: Word = "",
    after: Place = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Conversations of a view; `next` leads to the following page, `counts` says how many each view holds."""
    user_id = request.state.user.id
    page, counts = await request.state.db.read(_list, Wanted(view, channel, search, user_id, after, limit))
    shown = [conversation_json(card) for card in page.conversations]
    held = {to_camel(name): count for name, count in counts.items()}
    return {"ok": True, "conversations": shown, "next": page.next, "counts": held}


@readers.get("/{conversation_id}")
async def conversation(request: Request, conversation_id: Id, before: Older = None, limit: Limit = 50) -> dict[str, Any]:
    """A thread with the decision or source of each message; `next` leads to older ones."""
    return thread_json(await request.state.db.read(threads.thread, conversation_id, before, limit))


@agents.post("/{conversation_id}/messages")
@agents.post("/{conversation_id}/reply")
async def say(request: Request, conversation_id: Id, given: Message, idempotency_key: Key = None) -> Response:
    """Write to the customer as yourself. Outside the channel's window only an approved template may go.

    With an `Idempotency-Key` the same request again sends nothing and gets the same answer, a refusal too, for
    8 days (header `Idempotent-Replayed: true`); the key with another request is 409.
    """
    state = request.state
    act = partial(_say, settings=state.settings, conversation_id=conversation_id, user_id=state.user.id, wanted=said(given))
    asked = ("say", conversation_id, given.model_dump(exclude_defaults=True))
    return await answer_once(request, idempotency_key, asked, act, _refused)


@agents.post("/{conversation_id}/read")
async def read(request: Request, conversation_id: Id) -> dict[str, Any]:
    """Nothing is unread any more."""
    return await _changed(request, _read, conversation_id)


@agents.post("/{conversation_id}/assign")
async def assign(request: Request, conversation_id: Id, given: Owner) -> dict[str, Any]:
    """A user takes the conversation, or the AI gets it back."""
    return await _changed(request, look_after, conversation_id, given.user_id, request.state.user.id)


@agents.post("/{conversation_id}/internal-note")
async def note(request: Request, conversation_id: Id, given: Note) -> dict[str, Any]:
    """Write a note for colleagues; it can never be sent."""
    return await _changed(request, person.note, conversation_id, request.state.user.id, given.text)


@agents.post("/{conversation_id}/state")
async def change_state(request: Request, conversation_id: Id, given: State) -> dict[str, Any]:
    """Close a conversation, or open it again."""
    act = conversations.close if given.status == "closed" else conversations.reopen
    return await _changed(request, act, conversation_id, request.state.user.id)


def said(given: Message) -> Said:
    """What a person wants to send. Raises Invalid naming what is missing."""
    template = None
    if given.template_name.strip():
        name, language = given.template_name.strip(), given.template_language.strip() or "en"
        template = {"name": name, "language": language, "parameters": given.template_params}
    media = _media(given)
    text = given.media_caption or given.text if media is not None else given.text
    return Said(text, template, media, given.client_message_id, given.override.strip())


def _media(given: Message) -> dict[str, str] | None:
    if not given.media_url and not given.media_id:
        return None
    if given.media_type is None:
        raise Invalid("The kind of medium is missing.", {"mediaType": "image, document, video or audio"})
    if given.media_url and not given.media_url.startswith(("https://", "http://")):
        raise Invalid("The medium needs a public address.", {"mediaUrl": "must begin with https://"})
    media = {"type": given.media_type, "filename": given.media_filename}
    return media | ({"providerId": given.media_id} if given.media_id else {"link": given.media_url})


async def _changed(request: Request, act: Any, conversation_id: int, *args: Any) -> dict[str, Any]:
    """Do an act on a conversation and say how it stands after it."""
    card = await request.state.db.write(_do, act, conversation_id, *args)
    return {"ok": True, "conversation": conversation_json(card)}


def _do(conn: Connection, act: Any, conversation_id: int, *args: Any) -> inbox.Card:
    act(conn, conversation_id, *args)
    return inbox.card(conn, conversation_id)


def _list(conn: Connection, wanted: Wanted) -> tuple[inbox.Page, Any]:
    return inbox.page(conn, wanted), inbox.counts(conn, wanted.user_id)


def _say(conn: Connection, settings: Settings, conversation_id: int, user_id: int, wanted: Said) -> dict[str, Any]:
    message_id = person.say(conn, settings, conversation_id, user_id, wanted)
    return {"ok": True, "message": message_json(spoken.listed(conn, [message_id])[0])}


def _refused(error: LeadkeeperError) -> dict[str, Any]:
    if not isinstance(error, WindowClosed):
        return refusal(error)
    return refusal(error) | {
        "hint": "Send an approved template: templateName, templateLanguage and templateParams.",
        "requiresTemplate": True,
        "hoursSinceLastInbound": error.hours_since_last_inbound,
    }


def _read(conn: Connection, conversation_id: int) -> None:
    conversations.read(conn, conversation_id)


def look_after(conn: Connection, conversation_id: int, owner_id: int | None, by: int) -> None:
    """A user takes the conversation, or the AI gets it back (None). Raises Invalid for who may not."""
    if owner_id is None:
        conversations.give_back(conn, conversation_id, by)
        return
    check_owner(conn, owner_id)
    conversations.assign(conn, conversation_id, owner_id, by)
    audit.record(conn, "conversation_assigned", by, subject=f"conversation:{conversation_id}", to=owner_id)


def check_owner(conn: Connection, user_id: int) -> None:
    """Raises Invalid unless this user may look after conversations."""
    known = {user.id: user for user in users.listed(conn)}
    user = known.get(user_id)
    if user is None or user.disabled_at is not None or not user.role.may(Role.AGENT):
        raise Invalid("This user cannot look after conversations.", {"userId": "no such agent"})
