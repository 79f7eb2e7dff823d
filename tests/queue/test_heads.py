"""The five verbs and the head flag: whatever happens in whatever order, order per key holds.

The model is the table's promise: of the unfinished jobs of a key exactly one is head, nothing else
of the key runs beside it, and the sweep never finds anything to repair.
"""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete

from leadkeeper import clock
from leadkeeper.queue.cancel import cancel, cancel_key
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.leases import release, rescue
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Retry, Snooze
from leadkeeper.queue.retry import redrive
from leadkeeper.queue.scopes import park, unpark
from leadkeeper.queue.sweep import sweep, swept
from leadkeeper.store.database import Database
from leadkeeper.store.schema import job_errors, jobs
from leadkeeper.store.schema import settings as settings_table
from tests.queue.conftest import Queue, at, plain

KEYS = st.sampled_from(["a", "a", "b", None])
NAMES = st.sampled_from(["x", "x", "y", None])
ENDS = st.sampled_from([Done(), Retry("r"), Snooze(clock.FAR, "s"), Fail("f"), Cancel("c")])


def wanted(key: str | None, dedupe: str | None, scoped: bool) -> Job:
    return plain(key=key, dedupe=dedupe, scope="s" if scoped else None, max_retries=1)


class Heads(RuleBasedStateMachine):
    """Every verb of the queue in any order, in batches, with late and repeated results."""

    queue: Queue

    def __init__(self) -> None:
        super().__init__()
        self.queue.do(lambda conn: [conn.execute(delete(table)) for table in (job_errors, jobs, settings_table)])
        self.now = clock.now()
        self.claims: list[Claimed] = []

    def at(self, fn: Any, *args: Any) -> Any:
        with at(self.now):
            return self.queue.do(fn, *args)

    @rule(batch=st.lists(st.tuples(KEYS, NAMES, st.booleans()), min_size=1, max_size=5))
    def enqueue(self, batch: list[tuple[str | None, str | None, bool]]) -> None:
        with at(self.now):
            ids = self.queue.enqueue(*(wanted(*each) for each in batch))
        assert all(ids)

    @rule(ends=st.lists(st.one_of(ENDS, st.none()), min_size=1, max_size=4))
    def claim_and_finish_some(self, ends: list[Any]) -> None:
        with at(self.now):
            claimed = self.queue.claim(len(ends), worker="w")
            keys = [job.key for job in claimed if job.key]
            assert len(set(keys)) == len(keys)
            ended = [(job, end) for job, end in zip(claimed, ends, strict=False) if end is not None]
            assert self.queue.finish(*ended).late == []
        self.claims += [job for job, end in zip(claimed, ends, strict=False) if end is None]

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), forget=st.booleans())
    def finish(self, data: st.DataObject, forget: bool) -> None:
        """A claim that is not forgotten may be finished once more later: that result is late."""
        chosen = data.draw(st.lists(st.sampled_from(self.claims), min_size=1, max_size=3, unique_by=lambda job: job.id))
        with at(self.now):
            self.queue.finish(*((job, data.draw(ENDS)) for job in chosen))
        if forget:
            self.claims = [job for job in self.claims if job not in chosen]

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.claims))
        self.at(release, [(job.id, job.claim)])

    @precondition(lambda self: self.claims)
    @rule()
    def workers_die(self) -> None:
        self.now += timedelta(hours=2)
        self.at(rescue, "other", [])

    @rule(seconds=st.sampled_from([100, 4_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(places=st.lists(st.integers(0, 30), max_size=2))
    def cancel(self, places: list[int]) -> None:
        rows = self.queue.rows()
        self.at(cancel, [rows[place % len(rows)].id for place in places] if rows else [], "by a person")

    @rule(key=st.sampled_from(["a", "b"]))
    def cancel_key(self, key: str) -> None:
        self.at(cancel_key, key, ["noop"], "moot")

    @rule()
    def redrive(self) -> None:
        self.at(redrive, [row.id for row in self.queue.rows()])

    @rule(verb=st.sampled_from([park, unpark]))
    def halt_or_resume(self, verb: Any) -> None:
        self.at(verb, "s")

    @invariant()
    def every_key_with_work_has_one_head_and_only_heads_run(self) -> None:
        by_key: dict[str, list[Any]] = {}
        for row in self.queue.rows():
            if row.key is None:
                assert row.head
            elif row.status in ("pending", "processing"):
                by_key.setdefault(row.key, []).append(row)
        for rows in by_key.values():
            assert [row.head for row in rows].count(True) == 1
            assert all(row.head for row in rows if row.status == "processing")

    @invariant()
    def a_dedupe_is_pending_once(self) -> None:
        names = [row.dedupe for row in self.queue.rows() if row.status == "pending" and row.dedupe]
        assert len(names) == len(set(names))

    @invariant()
    def ends_and_leases_fit_the_status(self) -> None:
        for row in self.queue.rows():
            ended = row.status in ("completed", "failed", "cancelled")
            assert (row.completed_at is not None) == ended
            assert (row.lease_until is not None) == (row.status == "processing")

    def teardown(self) -> None:
        assert self.at(sweep) == 0
        assert self.queue.db.read_now(swept) == 0


@pytest.fixture
def fast_database(request: pytest.FixtureRequest, database_url: str) -> Any:
    """Many small transactions: on SQLite in memory-backed storage where there is some."""
    folder = None
    url = database_url
    if url.startswith("sqlite") and Path("/dev/shm").is_dir():
        folder = tempfile.mkdtemp(dir="/dev/shm")
        shutil.copy(url.removeprefix("sqlite:///"), f"{folder}/queue.db")
        url = f"sqlite:///{folder}/queue.db"
    db = Database(url)
    yield db
    db.close()
    if folder:
        shutil.rmtree(folder)


def test_heads_hold_whatever_is_done_in_whatever_order(fast_database: Database) -> None:
    class OnThisDatabase(Heads):
        queue = Queue(fast_database)

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )


def test_the_sweep_repairs_and_counts_a_key_without_head(queue: Queue) -> None:
    from sqlalchemy import update

    first, second = queue.enqueue(plain(key="k"), plain(key="k"))
    queue.do(lambda conn: conn.execute(update(jobs).where(jobs.c.id == first).values(head=False)))

    assert queue.do(sweep) == 1

    assert queue.db.read_now(swept) == 1
    assert [job.id for job in queue.claim()] == [first]
    assert second


def test_the_database_itself_refuses_a_second_head(queue: Queue) -> None:
    from sqlalchemy import exc, update

    _, second = queue.enqueue(plain(key="k"), plain(key="k"))

    with pytest.raises(exc.IntegrityError):
        queue.do(lambda conn: conn.execute(update(jobs).where(jobs.c.id == second).values(head=True)))
