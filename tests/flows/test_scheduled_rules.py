"""Scheduled rules: each occasion once, a dry run suppresses nothing, and the run's counts are true."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import expiries, leads
from leadkeeper.rules import run_book
from leadkeeper.rules.run_book import RunView
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import leads as lead_table
from leadkeeper.store.schema import rule_runs, tasks
from tests.flows.town import Town, town

SARA = "971500000001"


async def known(place: Town) -> int:
    """A customer who wrote and was answered; returns the lead. No quiet hours."""
    await place.db.write(settings_rows.save, "quiet_hours", None)
    await place.says(SARA, "Where is your office?")
    await place.idle()
    (row,) = await place.rows(select(lead_table))
    return int(row.id)


async def run(place: Town, *, dry_run: bool = False) -> RunView:
    run_id = await place.db.write(lambda conn: run_book.start(conn, "manual", dry_run=dry_run))
    await place.idle()
    return await place.db.read(run_book.view, run_id)


async def test_a_follow_up_that_is_due_is_sent_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        lead_id = await known(place)
        await place.db.write(leads.set_follow_up, lead_id, clock.now() - timedelta(hours=1))

        first = await run(place)
        second = await run(place)

        assert (first.status, first.totals.sent) == ("completed", 1)
        assert second.totals.sent == 0
        texts = await place.sent()
        assert len(texts) == 2
        assert "following up" in texts[1]
        assert place.calls() == 2


async def test_a_dry_run_lists_the_exact_text_and_suppresses_nothing(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        lead_id = await known(place)
        await place.db.write(leads.set_follow_up, lead_id, clock.now() - timedelta(hours=1))

        dry = await run(place, dry_run=True)
        real = await run(place)

        assert [(item["verdict"], item["leadId"]) for item in dry.items] == [("would_send", lead_id)]
        assert dry.items[0]["text"] == (await place.sent())[1]
        assert real.totals.sent == 1


async def test_an_expiry_is_reminded_on_its_day_and_counted(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        lead_id = await known(place)
        day = (clock.now() + timedelta(days=30)).date()

        def learn(conn: Connection) -> None:
            expiries.learn(conn, lead_id, "visa", day)

        await place.db.write(learn)
        done = await run(place)

        by_key = {rule["key"]: rule for rule in done.rules}
        assert (by_key["expiry_30"]["candidates"], by_key["expiry_30"]["sent"]) == (1, 1)
        assert by_key["expiry_90"]["candidates"] == 0
        assert done.totals.rules == len(done.rules)


async def test_what_is_not_sent_has_its_reason(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        lead_id = await known(place)
        await place.says(SARA, "stop")
        await place.idle()
        await place.db.write(leads.set_follow_up, lead_id, clock.now() - timedelta(hours=1))

        done = await run(place)

        followup = next(rule for rule in done.rules if rule["key"] == "followup_due")
        assert followup["sent"] == 0
        assert sum(followup["skipped"].values()) == 1
        assert await place.count(tasks) + await place.count(rule_runs, rule_runs.c.run_id == done.id) >= 1
