"""The durable queue: the table `automation_jobs` on SQLite and PostgreSQL. Knows nothing of leads.

The life of a job:

    enqueue    in the transaction of its cause           -> pending    born parked if its scope is halted
    claim      due, head of its key, most urgent lane    -> processing claim + 1, attempts + 1, a lease
               (an idle worker's on SQLite is part of the commit that enqueues, docs/decisions/0027)
    finish     id and claim and processing must match    -> what the handler's outcome says:

        Done     completed; `then(conn)` writes its effects in the same transaction
        Retry    pending after a back-off (15 s, 60 s, 240 s, ...); failed once attempts > max_retries
        Snooze   pending until then; the try is given back
        Fail     failed at once; the type's `when_failed` runs in the same transaction
        Cancel   cancelled

    promote    the next of a finished key becomes head, same transaction
    renew      a third of the lease goes by              the lease begins anew; what is not ours is dropped
    rescue     the lease ran out, or the worker's lock is free -> pending, due at once, the try given back
               from the third lost worker on it runs alone, and a loss counts as a try
    release    its worker stops                          -> pending, the try given back
    cancel     by a person: pending -> cancelled (+ `when_failed`), processing is asked to stop
    redrive    by a person: failed -> pending with fresh tries (+ `when_redriven`)

What holds always: a key has at most one head, and only heads run (unique index `uq_jobs_head`); at most
one pending job of a `dedupe` (`uq_jobs_dedupe`; one that returns beside another ends that one as
`merged`); `claim` only grows, so a late result changes nothing; a worker finishes before it claims.

Who holds what, on PostgreSQL: heads are locked in the order of keys. Enqueue takes a share lock on the
head it stands behind, so a finish waits for it and, promoting with a fresh statement, sees it. Cancel
and redrive hold the heads of their keys likewise. SQLite has one writer and no such races.

One module a verb: `enqueue` `claim` `finish` `promote` `retry` (back-off, redrive) `cancel` `leases`
(renew, release, rescue) `scopes` (park) `sweep` (repairs, counts: 0) `timers` (cron rows) `control`
(desired state, workers) `lanes` (where a claim begins to look) `minutes` (what ended, counted with the
ending) `prune` `stats` `listing`; `rows` holds the conditions the partial indexes need.
"""
