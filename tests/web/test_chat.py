"""The web chat's visitor side: the token is needed, nobody reads another's words, nothing unsaid is shown."""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update

from leadkeeper.config import Settings
from leadkeeper.crm import composing, messages, outbox, timeline
from leadkeeper.crm.composing import Draft
from leadkeeper.store.database import Database
from leadkeeper.store.schema import conversations
from leadkeeper.web.app import build
from tests.flows.town import Town, town
from tests.web.conftest import Desk

CHAT = "/api/webhooks/webchat"


class Visitor:
    """A browser with its session: writes and reads as the widget does."""

    def __init__(self, http: httpx2.AsyncClient, session: str) -> None:
        self.http, self.session, self.token = http, session, ""

    async def writes(self, text: str, client_id: str = "", **more: Any) -> httpx2.Response:
        body = {"sessionId": self.session, "message": text, "visitorToken": self.token, **more}
        answer = await self.http.post(CHAT, json={**body, "clientMessageId": client_id} if client_id else body)
        if answer.status_code == 200:
            self.token = answer.json()["visitorToken"] or self.token
        return answer

    async def reads(self, after: int = 0, **headers: str) -> httpx2.Response:
        given = {"x-visitor-token": self.token, **headers}
        return await self.http.get(f"{CHAT}/messages", params={"sessionId": self.session, "after": after}, headers=given)

    async def lines(self, after: int = 0) -> list[tuple[str, str]]:
        answer = await self.reads(after)
        return [(line["by"], line["text"]) for line in answer.json()["messages"]]


class Open:
    """A town whose web app takes visitors."""

    def __init__(self, place: Town) -> None:
        self.place = place
        self.app = build(place.db, Settings(data_dir=place.settings.data_dir), place.box)

    def visitor(self, session: str) -> Visitor:
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False, client=(f"198.51.100.{next(_addresses)}", 1))
        return Visitor(httpx2.AsyncClient(transport=transport, base_url="http://chat.test"), session)


_addresses = count(1)


def caller(desk: Desk) -> httpx2.AsyncClient:
    """A visitor at an address of their own: limits of one test are not used up by another."""
    address = (f"203.0.113.{next(_addresses)}", 1)
    transport = httpx2.ASGITransport(desk.app, raise_app_exceptions=False, client=address)
    return httpx2.AsyncClient(transport=transport, base_url="http://chat.test")


async def test_a_visitor_reads_question_and_answer_with_the_token_of_the_first_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        sara = Open(place).visitor("reads-question-and-answer")
        await sara.writes("Where is your office?", "c1")
        await place.idle()

        answer = await sara.reads()

        told = answer.json()
        assert [line["by"] for line in told["messages"]] == ["visitor", "assistant"]
        assert told["messages"][0]["clientMessageId"] == "c1"
        assert "Palm Street 12" in told["messages"][1]["text"]


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
async def test_reading_without_the_token_is_refused(desk: Desk, token: str) -> None:
    sara = Visitor(caller(desk), f"reading-refused-{next(_addresses)}")
    await sara.writes("hello")

    sara.token = token
    headers = {b"x-visitor-token": token.encode()}
    answers = [
        await sara.http.get(f"{CHAT}/{name}", params={"sessionId": sara.session}, headers=headers)
        for name in ("messages", "stream")
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_token_opens_no_other_session(desk: Desk) -> None:
    sara, omar = Visitor(caller(desk), "tokens-sara"), Visitor(caller(desk), "tokens-omar")
    await sara.writes("my secret")
    await omar.writes("hello")

    sara.token = omar.token

    assert (await sara.reads()).status_code == 403


async def test_visitors_see_their_own_conversation_alone(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        chat = Open(place)
        sara, omar = chat.visitor("alone-sara"), chat.visitor("alone-omar")
        await sara.writes("Where is your office?")
        await omar.writes("What are your opening hours?")
        await place.idle()

        assert {text for by, text in await sara.lines() if by == "visitor"} == {"Where is your office?"}
        assert {text for by, text in await omar.lines() if by == "visitor"} == {"What are your opening hours?"}


async def test_what_was_not_said_is_not_shown(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        sara = Open(place).visitor("not-said")
        await sara.writes("Where is your office?")
        await place.idle()
        before = await sara.lines()
        (row,) = await place.rows(conversations.select())
        await asyncio.to_thread(place.worker.stop)

        def unsaid(conn: Any) -> None:
            for number, state in enumerate(("draft", "ready", "sending", "failed", "cancelled", "unknown")):
                draft = Draft(row.id, author="ai", purpose="reply", body=f"unsaid {state}", cause=f"test:{number}")
                message_id = composing.compose(conn, [(draft, row.account_id)])[draft.cause]
                conn.execute(update(messages.table).where(messages.table.c.id == message_id).values(state=state))
            timeline.add(conn, "note", conversation_id=row.id, text="a private note")

        await db.write(unsaid)

        assert await sara.lines() == before


async def test_an_answer_that_is_sent_late_is_told_to_a_reader_who_has_read_past_it(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        sara = Open(place).visitor("sent-late")
        await sara.writes("Where is your office?")
        await place.idle()
        (row,) = await place.rows(conversations.select())
        await asyncio.to_thread(place.worker.stop)
        late = await db.write(outbox.write, Draft(row.id, author="person", purpose="person", body="late", cause="test:late"))
        await sara.writes("Are you there?")
        place_read = (await sara.reads()).json()["next"]

        await db.write(lambda conn: messages.begin_attempts(conn, [(late, 1)]) and messages.accepted(conn, late, "chat:late"))

        assert ("person", "late") in await sara.lines(place_read)


async def test_the_same_message_sent_again_is_told_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        sara = Open(place).visitor("sent-again")

        for _ in range(5):
            await sara.writes("Where is your office?", "the-same")
        await place.idle()

        assert [by for by, _ in await sara.lines()] == ["visitor", "assistant"]


async def test_writing_too_fast_is_refused_with_the_time_to_wait(desk: Desk) -> None:
    sara = Visitor(caller(desk), f"writes-too-fast-{next(_addresses)}")

    answers = [await sara.writes(f"message {number}") for number in range(25)]

    assert [answer.status_code for answer in answers].count(429) >= 4
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_reading_too_fast_is_refused(desk: Desk) -> None:
    sara = Visitor(caller(desk), f"reads-too-fast-{next(_addresses)}")
    await sara.writes("hello")

    answers = [await sara.reads() for _ in range(125)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429


async def test_the_stream_tells_what_comes_and_goes_on_where_it_was_left(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        chat = Open(place)
        async with chat.app.router.lifespan_context(chat.app):
            sara = chat.visitor("streams")
            await sara.writes("Where is your office?", "c1")

            first = await streamed(chat, sara, 2)
            again = await streamed(chat, sara, 2, last=first[0]["place"])

            assert [line["by"] for line in first] == ["visitor", "assistant"]
            assert {line["id"] for line in again} == {line["id"] for line in first}


async def streamed(chat: Open, sara: Visitor, count: int, last: str = "") -> list[dict[str, Any]]:
    """The first `count` messages of the stream, by speaking ASGI: a client would wait for its end."""
    found: list[dict[str, Any]] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        for event in message.get("body", b"").decode().split("\n\n"):
            parts = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
            if parts.get("event") == "message":
                found.append({**json.loads(parts["data"]), "place": parts["id"]})
        if len(found) >= count:
            enough.set()

    headers = [(b"x-visitor-token", sara.token.encode()), (b"last-event-id", last.encode())]
    scope = {
        "type": "http", "method": "GET", "path": f"{CHAT}/stream", "query_string": f"sessionId={sara.session}".encode(),
        "headers": headers, "client": ("198.51.100.9", 1), "server": ("chat.test", 80), "scheme": "http", "http_version": "1.1",
        "root_path": "", "raw_path": b"",
    }  # fmt: skip
    await asyncio.wait_for(chat.app(scope, receive, send), 20)
    return found


async def test_the_window_may_be_framed_by_the_configured_origins_alone(db: Database, tmp_path: Path) -> None:
    open_desk = Desk(db, tmp_path / "open", chat_origins="https://shop.example https://www.shop.example")

    chat = (await open_desk.caller().get("/chat")).headers["content-security-policy"]
    login = (await open_desk.caller().get("/login")).headers["content-security-policy"]
    await open_desk.close()

    assert "frame-ancestors 'self' https://shop.example https://www.shop.example" in chat
    assert "frame-ancestors 'none'" in login


async def test_the_embed_script_may_be_loaded_by_any_site(desk: Desk) -> None:
    answer = await desk.caller().get("/chat.js")

    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["content-type"].startswith("text/javascript")
