"""A handler that raises in the middle of a step: its effects go, those of its neighbours stay, in one transaction with them."""

from typing import Any

import pytest
from sqlalchemy import Connection

from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store import settings_rows
from leadkeeper.worker import step
from tests.worker.conftest import Bench, Context

JOBS = 60


async def test_of_many_handlers_in_a_step_only_the_raising_ones_are_taken_back(
    bench: Bench, types: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[object] = []
    run_alone = step.run_alone
    monkeypatch.setattr(step, "run_alone", lambda *given: alone.append(given) or run_alone(*given))

    @types("marks")
    def marks(conn: Connection, ctx: Context, number: int) -> Outcome:
        settings_rows.save(conn, f"mark {number}", settings_rows.get(conn, f"mark {number}", 0) + 1)
        if number % 20 == 7:
            raise RuntimeError("poison")
        return Done()

    ids = bench.enqueue(*(Job("marks", {"number": number}) for number in range(JOBS)))
    bench.worker()
    for number, job_id in enumerate(ids):
        await bench.until_status("pending" if number % 20 == 7 else "completed", job_id)

    def marked(number: int) -> int:
        return int(bench.db.read_now(settings_rows.get, f"mark {number}", 0))

    assert [marked(number) for number in range(JOBS)] == [0 if number % 20 == 7 else 1 for number in range(JOBS)]
    assert [bench.row(ids[number]).error for number in (7, 27, 47)] == ["RuntimeError: poison"] * 3
    assert alone == []
