"""What the owner does in the phone app, and what customers send that is no text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadkeeper.channels.base import Media
from leadkeeper.crm import accounts
from leadkeeper.jobs import fetch_media as fetching
from leadkeeper.jobs import redrive
from leadkeeper.simulator import payloads
from leadkeeper.simulator.media import SimMedia
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, jobs, messages
from tests.flows.test_hand_over import echo
from tests.flows.test_main_job import SARA
from tests.flows.test_nothing_stays_open import changes, settled
from tests.flows.town import Town, town

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
PICTURE = {"type": "image", "image": {"id": "4711", "mime_type": "image/png", "caption": "Our new office"}}


async def sends(place: Town, content: dict[str, Any], wamid: str = "wamid.media") -> None:
    message = payloads.message(wamid, SARA, content)
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [message], {SARA: "Sara"})))


async def only(place: Town) -> Any:
    (row,) = await place.rows(select(messages))
    return row


async def test_a_picture_from_the_phone_app_is_shown_like_any_other(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.media["4711"] = SimMedia("4711", PNG, "image/png")
        await echo(place, PICTURE)
        await place.idle()

        row = await only(place)
        assert (row.direction, row.author, row.kind, row.body) == ("out", "person", "image", "Our new office")
        assert row.media["state"] == "stored"


async def test_what_the_owner_corrects_in_the_phone_app_is_corrected(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await echo(place, payloads.text("See you on Munday"), "wamid.said")
        change = {"type": "edit", "edit": {"original_message_id": "wamid.said", "message": payloads.text("See you on Monday")}}
        await echo(place, change, "wamid.change")
        await place.idle()

        row = await only(place)
        assert (row.body, row.edited_at is not None) == ("See you on Monday", True)


async def test_what_the_owner_deletes_in_the_phone_app_is_gone(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await echo(place, payloads.text("Wrong customer"), "wamid.said")
        await echo(place, {"type": "revoke", "revoke": {"original_message_id": "wamid.said"}}, "wamid.change")
        await place.idle()

        row = await only(place)
        assert (row.body, row.revoked_at is not None) == ("", True)


@pytest.mark.parametrize("act", ["revoke", "reaction"])
async def test_a_change_of_what_we_do_not_have_is_no_message(db: Database, tmp_path: Path, act: str) -> None:
    async with town(db, tmp_path) as place:
        await echo(
            place, {"type": act, act: {"original_message_id": "wamid.unknown", "message_id": "wamid.unknown", "emoji": "👍"}}
        )
        await place.idle()

        assert await place.count(messages) == 0


async def test_the_owners_thumb_on_a_message_is_no_reply(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=0.5) as place:
        wamid = await place.says(SARA, "Where is your office?")
        await echo(place, {"type": "reaction", "reaction": {"message_id": wamid, "emoji": "👍"}})
        await settled(place)

        assert await place.decided() == [("answered", "documents")]
        assert [row.reaction for row in await place.rows(select(messages).order_by(messages.c.id))] == ["👍", None]


async def test_a_medium_that_could_not_be_fetched_can_be_tried_again(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await sends(place, PICTURE)
        await place.idle()
        assert (await place.rows(select(messages).where(messages.c.direction == "in")))[0].media["state"] == "failed"
        place.provider.media["4711"] = SimMedia("4711", PNG, "image/png")
        (job,) = await place.rows(select(jobs).where(jobs.c.type == "fetch_media"))

        await place.db.write(redrive.retry, job.id, None)
        await place.idle()

        assert (await place.rows(select(messages).where(messages.c.direction == "in")))[0].media["state"] == "stored"


async def test_media_wait_while_the_account_is_halted_and_are_fetched_when_it_resumes(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.media["4711"] = SimMedia("4711", PNG, "image/png")
        place.provider.connect(replace(place.sim_account, token="renewed"))
        await sends(place, PICTURE)
        await place.idle()
        (account,) = await place.rows(select(channel_accounts).where(channel_accounts.c.id == place.account_id))
        assert account.state == "halted"
        await sends(place, PICTURE, "wamid.second")
        await place.idle()

        place.provider.connect(place.sim_account)
        await place.db.write(accounts.resume, place.account_id)
        await place.idle()

        states = [row.media["state"] for row in await place.rows(select(messages).where(messages.c.direction == "in"))]
        assert states == ["stored", "stored"]


async def test_a_picture_deleted_while_it_is_fetched_does_not_come_back(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = fetching.fetch

    async with town(db, tmp_path) as place:
        place.provider.media["4711"] = SimMedia("4711", PNG, "image/png")

        async def slow(http: Any, account: Any, media: Media, *more: Any) -> Any:
            found = await original(http, account, media, *more)
            await changes(place, "revoke", "wamid.media")
            while not await place.count(messages, messages.c.revoked_at.is_not(None)):
                pass
            return found

        monkeypatch.setattr(fetching, "fetch", slow)
        await sends(place, PICTURE)
        await place.idle()

        (row,) = await place.rows(select(messages).where(messages.c.direction == "in"))
        assert row.media is None


async def test_what_a_customers_system_message_says_is_no_error_of_the_account(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await sends(place, {"type": "system", "system": {"type": "customer_identity_changed", "body": "Sara changed her phone"}})
        await place.idle()

        (account,) = await place.rows(select(channel_accounts).where(channel_accounts.c.id == place.account_id))
        assert account.last_error is None


async def test_a_number_that_is_used_from_the_phone_app_too_keeps_to_the_lower_limit(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.db.write(accounts.save_credentials, place.box, place.account_id, {}, {"throughput": 1_000})
        assert place.account().throughput(80) == 1_000

        for number in range(2):
            await echo(place, payloads.text("See you on Monday"), f"wamid.said.{number}")
            await place.idle()

        assert place.account().throughput(80) == 20
