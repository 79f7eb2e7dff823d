"""The queue from the command line."""

import json

import pytest
from sqlalchemy import update

from leadkeeper import clock
from leadkeeper.errors import Invalid
from leadkeeper.queue import listing
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.store.schema import jobs
from tests.cli.conftest import Terminal


def queued(terminal: Terminal, status: str = "pending", error: str | None = None) -> int:
    """The number of a job in that state."""
    job_id = terminal.db.write_now(enqueue, Job("purge", {}))
    done = {"status": status, "error": error, "completed_at": clock.now()} if status != "pending" else {}
    if done:
        terminal.db.write_now(lambda conn: conn.execute(update(jobs).where(jobs.c.id == job_id).values(**done)))
    return job_id


def status_of(terminal: Terminal, job_id: int) -> str:
    return terminal.db.read_now(listing.job, job_id).status


def test_jobs_are_listed_newest_first_with_their_errors(terminal: Terminal) -> None:
    first, second = queued(terminal), queued(terminal, "failed", "the disk is full")

    newest, oldest, count = terminal.lines("jobs", "list")

    assert newest.split()[:3] == [str(second), "failed", "purge"]
    assert newest.endswith("the disk is full")
    assert oldest.split()[0] == str(first)
    assert count == "2 jobs"


def test_a_list_is_narrowed_and_goes_on_where_it_ended(terminal: Terminal) -> None:
    ids = [queued(terminal, "failed") for _ in range(3)]
    queued(terminal)

    page = terminal.lines("jobs", "list", "--status", "failed", "--limit", "2")
    rest = terminal.lines("jobs", "list", "--status", "failed", "--before", str(ids[1]), "--json")

    assert page[-1] == f"more: --before {ids[1]}"
    assert [job["id"] for job in json.loads("\n".join(rest))["jobs"]] == [ids[0]]


def test_an_unknown_status_is_refused(terminal: Terminal) -> None:
    with pytest.raises(Invalid, match="'done' is not a status; there are pending"):
        terminal.run("jobs", "list", "--status", "done")


def test_failed_jobs_are_queued_again_and_others_are_refused_with_the_reason(terminal: Terminal) -> None:
    failed, waiting = queued(terminal, "failed"), queued(terminal)

    done = terminal.run("jobs", "retry", str(failed), str(waiting), "99999")

    assert done.exit_code == 1
    assert f"job {failed}: queued again" in done.output
    assert f"job {waiting}: Only a failed job can be tried again" in done.output
    assert "there is no job 99999" in done.output
    assert status_of(terminal, failed) == "pending"


def test_waiting_jobs_are_cancelled(terminal: Terminal) -> None:
    waiting = queued(terminal)

    assert terminal.lines("jobs", "cancel", str(waiting)) == [f"job {waiting}: cancelled"]
    assert status_of(terminal, waiting) == "cancelled"
    assert terminal.run("jobs", "cancel", str(waiting)).exit_code == 1
