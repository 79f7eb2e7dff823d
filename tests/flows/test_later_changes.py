"""Events that are no message: they change what was said before, or who said it, and none of them is answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, insert, select

from leadkeeper import clock
from leadkeeper.simulator import payloads
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, contacts, conversations, identities, jobs, messages, templates, timeline
from tests.flows.town import Town, town

SARA, NEW_SARA = "971500000001", "971500000002"
QUESTION = "What are your opening hours?"


async def delivers(place: Town, content: Mapping[str, Any], wamid: str = "wamid.change") -> None:
    """The provider tells of something Sara did in her app."""
    message = payloads.message(wamid, SARA, content)
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [message], {SARA: "Sara"})))
    await place.idle()


async def notes(place: Town, field: str, value: Mapping[str, Any]) -> None:
    """The provider tells of something beside the messages."""
    head = payloads.messages_value(place.sim_account, [], {})
    await place.take(payloads.envelope(place.sim_account, head | dict(value), field=field))
    await place.idle()


async def the(place: Town, table: Any, *where: Any) -> Row[Any]:
    (row,) = await place.rows(select(table).where(*where))
    return row


def echo(text: str, wamid: str = "wamid.app") -> dict[str, Any]:
    """Written by a person of the business in the provider's own app."""
    said = {"from": "15550100000", "to": SARA, "id": wamid, "timestamp": "1790000400", "type": "text", "text": {"body": text}}
    return {"message_echoes": [said]}


async def test_who_writes_in_the_providers_app_has_taken_over(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await notes(place, "smb_message_echoes", echo("I will call you in ten minutes"))
        await place.says(SARA, QUESTION)
        await place.idle()

        assert [(row.author, row.body, row.state) for row in await place.outbound()] == [
            ("person", "I will call you in ten minutes", "sent")
        ]
        assert (await the(place, conversations)).owner != "ai"
        assert await place.count(timeline, timeline.c.kind == "wrote_in_app") == 1
        assert await place.decided() == [("handed_over", "not_ai")]


async def test_our_own_message_told_back_to_us_is_no_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, QUESTION)
        await place.idle()
        (answer,) = await place.outbound()

        await notes(place, "smb_message_echoes", echo(answer.body, wamid=answer.external_id))

        assert len(await place.outbound()) == 1
        assert (await the(place, conversations)).owner == "ai"


async def test_an_edited_message_shows_its_new_text_and_is_not_answered_again(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "What are your hours?", wamid="wamid.first")
        await place.idle()
        before = len(await place.outbound())

        new = {"type": "text", "text": {"body": QUESTION}}
        await delivers(place, {"type": "edit", "edit": {"original_message_id": "wamid.first", "message": new}})

        assert (await the(place, messages, messages.c.direction == "in")).body == QUESTION
        assert len(await place.outbound()) == before
        assert await place.count(timeline, timeline.c.kind == "edited") == 1


async def test_a_deleted_message_is_gone_and_nothing_answers_it(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=30, quiet_max_seconds=60) as place:
        await place.says(SARA, QUESTION, wamid="wamid.first")
        await place.until(jobs, jobs.c.type == "reply")

        await delivers(place, {"type": "revoke", "revoke": {"original_message_id": "wamid.first"}})

        row = await the(place, messages, messages.c.direction == "in")
        assert (row.body, row.revoked_at is not None) == ("", True)
        assert await place.decided() == [("silent", "deleted_by_customer")]


async def test_an_edit_of_what_was_deleted_brings_nothing_back(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "Thanks", wamid="wamid.first")
        await delivers(place, {"type": "revoke", "revoke": {"original_message_id": "wamid.first"}})

        again = {"type": "text", "text": {"body": "Thanks again"}}
        await delivers(place, {"type": "edit", "edit": {"original_message_id": "wamid.first", "message": again}}, "wamid.late")

        assert (await the(place, messages, messages.c.direction == "in")).body == ""
        assert await place.count(timeline, timeline.c.kind == "edited") == 0


@pytest.mark.parametrize("kind", ["edit", "revoke", "reaction"])
async def test_a_change_of_a_message_we_never_had_changes_nothing(db: Database, tmp_path: Path, kind: str) -> None:
    contents: dict[str, dict[str, Any]] = {
        "edit": {"original_message_id": "wamid.unknown", "message": {"type": "text", "text": {"body": "x"}}},
        "revoke": {"original_message_id": "wamid.unknown"},
        "reaction": {"message_id": "wamid.unknown", "emoji": "👍"},
    }
    async with town(db, tmp_path) as place:
        await delivers(place, {"type": kind, kind: contents[kind]})

        assert await place.count(messages) == 0
        assert await place.count(jobs, jobs.c.status == "failed") == 0


async def test_a_reaction_is_shown_and_taken_back_and_never_answered(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, QUESTION)
        await place.idle()
        (answer,) = await place.outbound()
        shown = []

        for wamid, emoji in (("wamid.up", "👍"), ("wamid.off", "")):
            await delivers(place, {"type": "reaction", "reaction": {"message_id": answer.external_id, "emoji": emoji}}, wamid)
            shown.append((await the(place, messages, messages.c.id == answer.id)).reaction)

        assert shown == ["👍", None]
        assert len(await place.outbound()) == 1


async def test_who_changes_their_number_keeps_their_history(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, QUESTION)
        await place.idle()

        changed = {"body": "Sara changed", "wa_id": NEW_SARA, "type": "user_changed_number"}
        await delivers(place, {"type": "system", "system": changed})
        await place.says(NEW_SARA, "Where is your office?")
        await place.idle()

        assert await place.count(contacts) == await place.count(conversations) == 1
        assert (await the(place, contacts)).phone == f"+{NEW_SARA}"
        assert {row.external_id for row in await place.rows(select(identities))} >= {NEW_SARA}


async def test_marketing_is_switched_off_and_on_at_the_provider(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, QUESTION)
        await place.idle()
        opted_out = []

        for number, value in enumerate(("stop", "resume")):
            wish: dict[str, Any] = {
                "wa_id": SARA,
                "detail": "",
                "category": "marketing_messages",
                "value": value,
                "timestamp": 1790000300,
            }
            wish["timestamp"] += number
            card = {"profile": {"name": "Sara"}, "wa_id": SARA}
            await notes(place, "user_preferences", {"contacts": [card], "user_preferences": [wish]})
            opted_out.append((await the(place, contacts)).opted_out_at is not None)

        assert opted_out == [True, False]


async def announces(place: Town, field: str, value: Mapping[str, Any]) -> None:
    """The provider speaks of the whole business account."""
    change = {"field": field, "value": value}
    await place.take({"object": "whatsapp_business_account", "entry": [{"id": "900000000000001", "changes": [change]}]})
    await place.idle()


async def test_a_template_the_provider_pauses_is_paused_here(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        template = {"channel": "whatsapp", "name": "renewal", "language": "en", "body": "Hi", "status": "approved"}
        await place.db.write(lambda conn: conn.execute(insert(templates).values(updated_at=clock.now(), **template)))

        told = {"event": "PAUSED", "message_template_name": "renewal", "message_template_language": "en", "reason": "NONE"}
        await announces(place, "message_template_status_update", told)

        assert (await the(place, templates)).status == "paused"


async def test_what_may_stop_the_business_is_said_on_the_accounts_card(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await announces(place, "account_alerts", {"alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED"})

        card = await the(place, channel_accounts, channel_accounts.c.id == place.account_id)
        assert card.last_error == "account_alerts: INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED"
