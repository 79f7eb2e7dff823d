"""Stories that hold by one safeguard alone."""

from datetime import timedelta

from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.finish import Result
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done
from leadkeeper.queue.shares import Shares
from leadkeeper.store.database import Database
from leadkeeper.worker import step

LEASE = timedelta(seconds=15)


def test_the_next_of_a_key_is_claimed_by_the_step_that_finishes_the_one_before(db: Database) -> None:
    first, second = (db.write_now(enqueue, Job("noop", {}, key="one")) for _ in range(2))
    wanted = Wanted("w1", 5, None, LEASE)
    [head] = db.write_now(claim, wanted).jobs

    stepped = db.write_now(step.run_step, step.Plan([Result(head, Done())], [], 0.02, LEASE, wanted, Shares(5, {})))

    assert head.id == first
    assert stepped.taken is not None
    assert [job.id for job in stepped.taken.jobs] == [second]
