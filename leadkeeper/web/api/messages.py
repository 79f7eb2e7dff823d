"""One outbound message by JSON: settle a send in doubt, try a refused one again, see its whole story."""

from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from leadkeeper.access import audit
from leadkeeper.crm import doubts, messages, spoken
from leadkeeper.jobs import chain, person
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, Id, Limit, as_json
from leadkeeper.web.said_json import message_json

readers = router("/api/messages", access=Access.VIEWER, tag="Messages")
agents = router("/api/messages", access=Access.AGENT, tag="Messages")


InDoubt = Literal["unknown", "needs_human"]
After = Annotated[int, Query(alias="next", ge=0, le=LARGEST_ID)]


class Settlement(Shape):
    """What a person found out on the customer's side."""

    how: Literal["arrived", "resend"]


@readers.get("/in-doubt")
async def in_doubt(request: Request, state: InDoubt | None = None, after: After = 0, limit: Limit = 50) -> dict[str, Any]:
    """Sends nobody knows the fate of, the oldest first: what is known of each, what the provider has said since, and
    when it is looked at next. `next` leads to the following page."""
    page, following, counts = await request.state.db.read(_in_doubt, state, after, limit)
    held = {to_camel(name): count for name, count in counts.items()}
    return {"ok": True, "messages": as_json(page), "next": following, "counts": held}


@readers.get("/{message_id}")
async def message(request: Request, message_id: Id) -> dict[str, Any]:
    """A message with what it answered, why, from which source, and what the provider said."""
    shown, story = await request.state.db.read(_story, message_id)
    told = as_json(story) | {
        "inbound": [message_json(each) for each in story.inbound],
        "outbound": [message_json(each) for each in story.outbound],
    }
    return {"ok": True, "message": message_json(shown), "chain": told}


@agents.post("/{message_id}/settle")
async def settle(request: Request, message_id: Id, given: Settlement) -> dict[str, Any]:
    """It arrived, or it is sent once more. 409 when the message is not in doubt."""
    shown = await request.state.db.write(settle_send, message_id, given.how, request.state.user.id)
    return {"ok": True, "message": message_json(shown)}


@agents.post("/{message_id}/unsettle")
async def unsettle(request: Request, message_id: Id) -> dict[str, Any]:
    """Take back what a person said of a send in doubt. 409 once something has come of it: a receipt, or a new call."""
    shown = await request.state.db.write(unsettle_send, message_id, request.state.user.id)
    return {"ok": True, "message": message_json(shown)}


@agents.post("/{message_id}/retry")
async def retry(request: Request, message_id: Id) -> dict[str, Any]:
    """Try a refused message again. 409 for one in doubt: that is settled first."""
    shown = await request.state.db.write(_retry, message_id, request.state.user.id)
    return {"ok": True, "message": message_json(shown)}


def _story(conn: Connection, message_id: int) -> tuple[spoken.Spoken, chain.Chain]:
    messages.get(conn, message_id)
    return spoken.listed(conn, [message_id])[0], chain.of_message(conn, message_id)


def settle_send(conn: Connection, message_id: int, how: str, user_id: int) -> spoken.Spoken:
    """A person says what became of a send in doubt: `arrived`, or `resend` it. Raises Conflict when it is not."""
    act = person.it_arrived if how == "arrived" else person.resend
    act(conn, message_id, user_id)
    audit.record(conn, "send_settled", user_id, subject=f"message:{message_id}", how=how)
    return spoken.listed(conn, [message_id])[0]


def unsettle_send(conn: Connection, message_id: int, user_id: int) -> spoken.Spoken:
    """A person takes their word on a send in doubt back. Raises Conflict when something has come of it."""
    person.take_back(conn, message_id, user_id)
    audit.record(conn, "send_unsettled", user_id, subject=f"message:{message_id}")
    return spoken.listed(conn, [message_id])[0]


def _in_doubt(
    conn: Connection, state: str | None, after: int, limit: int
) -> tuple[list[doubts.Doubt], int | None, dict[str, int]]:
    return *doubts.page(conn, state, after, limit), doubts.counts(conn)


def _retry(conn: Connection, message_id: int, user_id: int) -> spoken.Spoken:
    person.retry(conn, message_id, user_id)
    return spoken.listed(conn, [message_id])[0]
