"""Scheduled rules: each occasion once, a dry run suppresses nothing, and the run's counts are true."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import expiries, leads
from leadkeeper.rules import book, run_book
from leadkeeper.rules.run_book import RunView
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import leads as lead_table
from leadkeeper.store.schema import rule_runs, tasks
from tests.flows.town import Town, town

SARA = "971500000001"
FOLLOW_UP = {
    "key": "followup_due",
    "name": "Follow up",
    "trigger": {"kind": "followup.due"},
    "do": [{"action": "send_text", "text": {"en": "Hi"}}],
}


async def known(place: Town) -> int:
    """A customer who wrote and was answered; returns the lead. No quiet hours."""
    await place.db.write(settings_rows.save, "quiet_hours", None)
    await place.says(SARA, "Where is your office?")
    await place.idle()
    (row,) = await place.rows(select(lead_table))
    return int(row.id)


async def run(place: Town, *, dry_run: bool = False, lead_id: int | None = None) -> RunView:
    run_id = await place.db.write(lambda conn: run_book.start(conn, "manual", dry_run=dry_run, lead_id=lead_id))
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


async def due(place: Town, *names: str) -> list[int]:
    """Customers who have been answered and whose follow-up is due; returns their leads."""
    await place.db.write(settings_rows.save, "quiet_hours", None)
    for number, _ in enumerate(names):
        await place.says(f"97150000010{number}", "Where is your office?")
    await place.idle()
    rows = await place.rows(select(lead_table.c.id).order_by(lead_table.c.id))
    for row in rows:
        await place.db.write(leads.set_follow_up, row.id, clock.now() - timedelta(hours=1))
    return [row.id for row in rows]


async def test_a_rule_writes_to_no_more_people_in_one_run_than_it_may(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await due(place, "Sara", "Omar", "Lina")
        (rule,) = await place.db.read(book.active, "followup.due")
        await place.db.write(book.save, {**FOLLOW_UP, "limits": {"maxPerRun": 2}}, None, rule.id)

        done = await run(place)

        mine = next(each for each in done.rules if each["key"] == "followup_due")
        assert (mine["candidates"], mine["sent"], mine["skipped"]) == (3, 2, {"run_cap": 1})


async def test_a_run_for_one_lead_asks_nobody_else(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        _, omar = await due(place, "Sara", "Omar")

        done = await run(place, lead_id=omar)

        followup = next(rule for rule in done.rules if rule["key"] == "followup_due")
        assert (followup["candidates"], followup["sent"]) == (1, 1)


async def test_a_dry_run_does_not_promise_again_what_was_done(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        lead_id = await known(place)
        day = (clock.now() + timedelta(days=30)).date()
        await place.db.write(lambda conn: expiries.learn(conn, lead_id, "visa", day))
        assert (await run(place)).totals.sent == 1

        again = await run(place, dry_run=True)

        assert again.totals.sent == 0
        reminder = next(rule for rule in again.rules if rule["key"] == "expiry_30")
        assert reminder["skipped"] == {"fired_before": 1}
