"""What customers send beside text: kept by us before the provider forgets it, and said why where it cannot be."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.simulator import payloads
from leadkeeper.simulator.media import SimMedia
from leadkeeper.store.database import Database
from leadkeeper.store.schema import job_errors, jobs, messages
from tests.flows.town import Town, town

SARA = "971500000001"
PASSPORT = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"passport" * 100


async def shows(place: Town, medium: SimMedia, wamid: str = "wamid.photo") -> None:
    """Sara sends a photo that lies at the provider."""
    place.provider.media[medium.id] = medium
    content = {"type": "image", "image": {"id": medium.id, "mime_type": medium.mime_type, "sha256": medium.sha256}}
    message = payloads.message(wamid, SARA, content)
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [message], {SARA: "Sara"})))


def photo(**more: Any) -> SimMedia:
    return SimMedia("90001", PASSPORT, "image/jpeg", **more)


async def kept(place: Town) -> dict[str, Any]:
    """What the thread knows of the photo."""
    (row,) = await place.rows(select(messages.c.media).where(messages.c.direction == "in"))
    found: dict[str, Any] = row.media
    return found


async def tries(place: Town) -> int:
    (row,) = await place.rows(select(jobs.c.attempts).where(jobs.c.type == "fetch_media"))
    return int(row.attempts)


async def test_a_photo_is_kept_byte_for_byte_and_a_person_is_called(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await shows(place, photo())
        await place.idle()

        found = await kept(place)
        assert ((place.settings.data_dir / "media") / found["file"]).read_bytes() == PASSPORT
        assert (found["state"], found["mimeType"], found["sizeBytes"]) == ("stored", "image/jpeg", len(PASSPORT))
        assert [outcome for outcome, _ in await place.decided()] == ["handed_over"]


async def test_an_address_that_has_expired_is_asked_for_again(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await shows(place, photo(dead_urls=1))
        await place.idle()

        assert (await kept(place))["state"] == "stored"
        assert await tries(place) == 1


async def test_bytes_that_are_not_those_named_are_not_kept_however_often_they_come(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.01) as place:
        await shows(place, photo(wrong_hash=True))
        await place.until(jobs, jobs.c.type == "fetch_media", jobs.c.status == "failed")

        found = await kept(place)
        assert (found["state"], await tries(place)) == ("failed", 4)
        assert found["reason"].startswith("mismatch")
        assert [path for path in (place.settings.data_dir / "media").rglob("*") if path.is_file()] == []


async def test_what_is_gone_at_the_provider_is_not_asked_for_again(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await shows(place, photo(dead_urls=99))
        await place.idle()

        found = await kept(place)
        assert (found["state"], await tries(place)) == ("failed", 1)
        assert found["reason"].startswith("gone")


async def test_a_refused_token_halts_the_account_its_media_wait_and_the_thread_says_why(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        credentials = {"token": "an-old-token", "app_secret": place.sim_account.app_secret}
        await place.db.write(accounts.save_credentials, place.box, place.account_id, credentials)
        await shows(place, photo())
        place.worker.start()
        await place.until(jobs, jobs.c.type == "fetch_media", jobs.c.status == "pending", jobs.c.run_at == clock.FAR)

        assert (await kept(place))["reason"].startswith("refused")
        assert place.account().state == "halted"


async def test_what_is_larger_than_the_limit_stays_where_it_is(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, max_media_mb=1) as place:
        await shows(place, SimMedia("90002", PASSPORT * 1500, "image/jpeg"))
        await place.idle()

        assert (await kept(place))["reason"].startswith("too_large")


async def test_a_photo_deleted_by_its_sender_is_not_fetched(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.5) as place:
        await shows(place, photo(wrong_hash=True))
        await place.until(job_errors)
        revoke = payloads.message("wamid.gone", SARA, {"type": "revoke", "revoke": {"original_message_id": "wamid.photo"}})
        value = payloads.messages_value(place.sim_account, [revoke], {SARA: "Sara"})
        await place.take(payloads.envelope(place.sim_account, value))
        await place.until(messages, messages.c.revoked_at.is_not(None))
        asked = len(place.provider.log.entries(kind="media"))
        await place.until(jobs, jobs.c.type == "fetch_media", jobs.c.status == "cancelled")

        (job,) = await place.rows(select(jobs.c.error).where(jobs.c.type == "fetch_media"))
        assert job.error == "there is nothing to fetch"
        assert len(place.provider.log.entries(kind="media")) == asked
