"""`async def` handlers: each a task of the worker's loop, with a deadline."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from leadkeeper import clock
from leadkeeper.queue.handlers import JobType
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome, Retry, Snooze
from leadkeeper.worker.failure import is_outage, outcome_of

log = logging.getLogger(__name__)

OUTAGE_WAIT = timedelta(seconds=1)
"""Until a job whose database was away is tried again; it uses no try."""

Ended = Callable[[Claimed, Outcome | None, bool], None]
"""Told when a task has ended: its outcome (None: it was given up), and whether a person cancelled it."""


class Tasks:
    """The running tasks by job id. `ended` is called in the loop."""

    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._running: dict[int, tuple[Claimed, asyncio.Task[Outcome]]] = {}
        self._cancelled: set[int] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, job: Claimed, job_type: JobType, context: object, arguments: dict[str, Any]) -> None:
        """Run `job`; its end is told to `ended`."""
        task = asyncio.get_running_loop().create_task(_run(job_type, context, arguments), name=f"job {job.id}")
        self._running[job.id] = (job, task)
        task.add_done_callback(lambda done: self._done(job, done))

    def jobs(self) -> list[Claimed]:
        """The jobs that are running."""
        return [job for job, _ in self._running.values()]

    def cancel(self, job_id: int, *, by_person: bool) -> None:
        """End a task: a person asked for it, or it is no longer ours."""
        if job_id in self._running:
            if by_person:
                self._cancelled.add(job_id)
            self._running[job_id][1].cancel()

    def cancel_all(self) -> None:
        """Give every task up."""
        for _, task in self._running.values():
            task.cancel()

    def _done(self, job: Claimed, task: asyncio.Task[Outcome]) -> None:
        self._running.pop(job.id, None)
        by_person = job.id in self._cancelled
        self._cancelled.discard(job.id)
        if task.cancelled():
            self._ended(job, Cancel("cancelled by a person") if by_person else None, by_person)
            return
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            log.error("a job ended abruptly", exc_info=error, extra={"job_id": job.id, "job_type": job.type})
        self._ended(job, task.result() if error is None else outcome_of(error), False)


async def _run(job_type: JobType, context: object, arguments: dict[str, Any]) -> Outcome:
    """The handler's outcome; what it raises becomes one."""
    deadline = asyncio.timeout(job_type.deadline.total_seconds())
    try:
        async with deadline:
            running = job_type.run(context, **arguments)
            return checked(job_type, await running if isinstance(running, Awaitable) else running)
    except TimeoutError as error:
        if deadline.expired():
            return Retry(f"no result within {job_type.deadline.total_seconds():g} s")
        return outcome_of(error)
    except Exception as error:
        if is_outage(error):
            return Snooze(clock.now() + OUTAGE_WAIT, f"the database was away: {error}")
        return outcome_of(error)


def checked(job_type: JobType, outcome: object) -> Outcome:
    """`outcome`, if it is one; a handler that returns anything else has failed for good."""
    if isinstance(outcome, Done | Retry | Snooze | Fail | Cancel):
        return outcome
    return Fail(f"{job_type.name} returned {type(outcome).__name__}, which is no outcome")
