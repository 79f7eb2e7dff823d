"""What a provider's answers lead to: tried again, failed once, or in doubt until a status or a person settles it."""

from pathlib import Path

from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs, messages
from tests.flows.town import town

SARA = "971500000001"
SENT = messages.c.state.in_(("accepted", "sent", "delivered", "read"))


async def test_a_transient_refusal_twice_then_success_is_one_delivery(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("error", times=2, status=503, code=131016)])
        await place.says(SARA, "What are your opening hours?")
        await place.until(messages, SENT)

        (row,) = await place.outbound()
        assert row.attempt == 3
        assert place.calls() == 3
        assert row.state in ("accepted", "sent", "delivered", "read")


async def test_a_transient_refusal_for_ever_fails_after_four_calls_and_hands_over(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.02) as place:
        place.provider.script(SARA, [Step("error", times=None, status=503, code=131016)])
        await place.says(SARA, "What are your opening hours?")
        await place.until(jobs, jobs.c.status == "failed")
        await place.idle()

        reply = next(row for row in await place.outbound() if row.purpose == "reply")
        assert (reply.state, reply.error_code, reply.attempt) == ("failed", "131016", 4)
        assert await place.decided() == [("handed_over", "send_failed")]


async def test_a_definite_refusal_fails_after_one_call(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("error", times=None, status=400, code=131026)])
        await place.says(SARA, "What are your opening hours?")
        await place.idle()

        reply = next(row for row in await place.outbound() if row.purpose == "reply")
        assert (reply.state, reply.error_code, reply.attempt) == ("failed", "131026", 1)


async def test_a_send_without_a_clear_answer_is_unknown_and_settled_by_the_providers_status(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("html", status=502, accept=True, status_delay_ms=300)])
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        states = {row.state for row in await place.outbound()}
        await place.until(messages, messages.c.state == "read")

        (row,) = await place.outbound()
        assert states <= {"unknown", "sent", "delivered", "read"}
        assert row.state in ("sent", "delivered", "read")
        assert place.calls() == 1


async def test_a_refused_token_halts_the_account_and_its_jobs_wait_for_resume(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("error", times=1, status=401, code=190)])
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        (waiting,) = await place.rows(select(jobs).where(jobs.c.type == "send", jobs.c.status == "pending"))
        assert waiting.run_at == clock.FAR

        await place.db.write(accounts.resume, place.account_id)
        await place.until(messages, SENT)

        assert place.calls() == 2
