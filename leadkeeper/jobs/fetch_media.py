"""Copy a medium's bytes to our own storage soon: providers' addresses end in minutes, their ids in days."""

from functools import partial
from typing import Any

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.channels.base import Account, Inbound, Media
from leadkeeper.channels.whatsapp.media import Fetched, NotFetched, fetch
from leadkeeper.crm import accounts, amend, messages
from leadkeeper.jobs.context import JobContext
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.handlers import job
from leadkeeper.queue.jobs import Claimed, Job, Lane
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome, Retry, Snooze


def media_of(parsed: Inbound) -> dict[str, Any] | None:
    """What is kept beside a message: its medium, what the console shows of it, and whether its text may be answered."""
    media: dict[str, Any] = {}
    if parsed.media is not None:
        found = parsed.media
        media = {
            "providerId": found.provider_id,
            "mimeType": found.mime_type,
            "sha256": found.sha256,
            "filename": found.filename,
            "voice": found.voice,
            "state": "queued" if found.provider_id else "absent",
        }
    if parsed.details:
        media["details"] = dict(parsed.details)
    if not parsed.answerable:
        media["answerable"] = False
    return media or None


def ask(conn: Connection, message_id: int, account_id: int) -> None:
    """Enqueue the fetch; it waits with the account's sends while the provider refuses its token."""
    enqueue(conn, Job("fetch_media", {"messageId": message_id}, priority=Lane.REPLY, scope=accounts.scope(account_id)))


def give_up(conn: Connection, job: Claimed, error: str) -> None:
    """No file after every try: the thread says why."""
    message_id = job.data.get("messageId")
    if isinstance(message_id, int):
        amend.note_media(conn, message_id, {"state": "failed", "reason": error[:200]})


@job("fetch_media", retries=3, when_failed=give_up)
async def fetch_media(ctx: JobContext, message_id: int) -> Outcome:
    """Fetch one medium into the media folder, and write beside the message where it is."""
    found = await ctx.db.read(_wanted, ctx, message_id)
    if found is None:
        return Cancel("there is nothing to fetch")
    account, media, limit = found
    result = await fetch(ctx.http, account, media, ctx.media_dir, limit)
    if isinstance(result, Fetched):
        stored = {
            "state": "stored",
            "file": result.file,
            "sizeBytes": result.size_bytes,
            "mimeType": result.mime_type,
            "sha256": result.sha256,
        }
        return Done(then=partial(amend.note_media, message_id=message_id, found=stored))
    return _not_fetched(result, account, message_id)


def _not_fetched(result: NotFetched, account: Account, message_id: int) -> Outcome:
    reason = f"{result.code}: {result.reason}"
    if result.halt:
        return Snooze(clock.FAR, reason, then=partial(_halt, account_id=account.id, message_id=message_id, reason=reason))
    return Retry(reason) if result.again else Fail(reason)


def _halt(conn: Connection, account_id: int, message_id: int, reason: str) -> None:
    """The token is refused: this medium waits with everything else of the account, and the thread says why."""
    accounts.halt(conn, account_id, reason)
    amend.note_media(conn, message_id, {"reason": reason[:200]})


def _wanted(conn: Connection, ctx: JobContext, message_id: int) -> tuple[Account, Media, int] | None:
    message = messages.get(conn, message_id)
    about: dict[str, Any] = message.media or {}
    if about.get("state") not in ("queued", "failed") or message.revoked_at is not None:
        return None
    media = Media(
        provider_id=about.get("providerId"),
        mime_type=about.get("mimeType"),
        sha256=about.get("sha256"),
        filename=about.get("filename"),
        voice=bool(about.get("voice")),
    )
    limit = ctx.settings(conn).max_media_mb * 1024 * 1024
    return accounts.load(conn, ctx.box, message.account_id), media, limit
