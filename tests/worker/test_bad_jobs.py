"""What can never get better fails at once, with its reason, and nothing else waits for it."""

from typing import Any

import pytest
from sqlalchemy import Connection

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from tests.worker.conftest import Bench, Context


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (Job("unheard_of", {}), "unknown job type"),
        (Job("t", {"theNumbr": 1}), "bad data for t: theNumber is missing, theNumbr is unknown"),
        (Job("t", {"theNumber": "one"}), "theNumber is not int"),
        (Job("t", {"theNumber": True}), "theNumber is not int"),
        (Job("t", {"theNumber": 10**30}), "theNumber is not int"),
        (Job("t", {"theNumber": 1, "other": "two"}), "other is not int"),
        (Job("t", {"theNumber": 1, "words": {}}), "words is not list"),
        (Job("t", {}), "theNumber is missing"),
    ],
)
async def test_unknown_types_and_bad_data_fail_at_once_with_the_reason(bench: Bench, types: Any, job: Job, reason: str) -> None:
    @types("t")
    def plain(
        conn: Connection, ctx: Context, the_number: int, other: int | None = None, words: list[str] | None = None
    ) -> Outcome:
        return Done()

    bench.worker()
    bad, good = bench.enqueue(job, Job("t", {"theNumber": 1, "other": None, "words": ["two"]}))

    await bench.until_status("failed", bad)
    await bench.until_status("completed", good)

    assert reason in bench.row(bad).error
    assert bench.row(bad).attempts == 1


@pytest.mark.parametrize("error", [Invalid("no such lead field"), NotFound("lead 7 does not exist")])
@pytest.mark.parametrize("colour", ["def", "async"])
async def test_invalid_and_not_found_fail_for_good(bench: Bench, types: Any, error: Exception, colour: str) -> None:
    @types("def")
    def plain(conn: Connection, ctx: Context) -> Outcome:
        raise error

    @types("async")
    async def waiting(ctx: Context) -> Outcome:
        raise error

    bench.worker()
    [job_id] = bench.enqueue(Job(colour, {}))

    await bench.until_status("failed", job_id)

    assert bench.row(job_id).error == str(error)
    assert bench.row(job_id).attempts == 1
