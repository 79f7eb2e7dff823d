"""The safeguards of the queue and of the sends: what takes each away, and what must go red then. Here and nowhere else.

A switch changes the product inside one process that is about to run tests, before any test module is imported.
"""

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, text, update

from leadkeeper.channels.base import Refused
from leadkeeper.crm import audit, composing, inbound, messages, outages, receipts
from leadkeeper.jobs import intent, reply
from leadkeeper.queue import claim, enqueue, fence, finish, lanes, leases, shares, sweep, timers
from leadkeeper.queue.leases import Renewed
from leadkeeper.queue.outcomes import Retry
from leadkeeper.queue.rows import HELD, pending
from leadkeeper.store import migrate
from leadkeeper.store.database import Database
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import Instant
from leadkeeper.worker import chores, heart, step
from leadkeeper.worker.drift import Drift
from leadkeeper.worker.held import Held
from leadkeeper.worker.identity import Identity
from tests.faults.switch import noticed_by, noticed_by_trial


@noticed_by("flows/test_main_job.py::test_the_same_delivery_twenty_times_is_one_inbound_and_one_outbound[sqlite]")
def unique_event(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(inbound, "insert_once", _always_new("external_id"))


@noticed_by("crm/test_send_states.py::test_one_cause_writes_one_message[sqlite]")
def one_message_a_cause(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(composing, "insert_once", _always_new("cause"))


@noticed_by("queue/test_heads.py::test_the_database_itself_refuses_a_second_head[sqlite]")
def unique_head(patch: pytest.MonkeyPatch) -> None:
    upgrade = migrate.upgrade

    def without(db: Database) -> Any:
        done = upgrade(db)
        db.write_now(lambda conn: conn.execute(text("drop index uq_jobs_head")))
        return done

    patch.setattr(migrate, "upgrade", without)


@noticed_by("queue/test_finish.py::test_a_late_result_changes_nothing_and_is_counted[sqlite-outcome0]")
def fence_of_a_finish(patch: pytest.MonkeyPatch) -> None:
    def unfenced(dialect: str) -> Any:
        held = HELD.table(dialect)
        done = {"status": "completed", "completed_at": bindparam("now", type_=Instant)}
        return update(jobs).where(jobs.c.id == held.c.id, held.c.claim > 0).values(**done).returning(jobs.c.id)

    patch.setattr(finish, "_COMPLETE", Prepared(unfenced))


@noticed_by("queue/test_races.py::test_a_job_in_other_hands_cannot_be_held[sqlite]")
def fence_before_an_effect(patch: pytest.MonkeyPatch) -> None:
    for place in (fence, intent):
        patch.setattr(place, "hold", lambda conn, *claimed: None)


@noticed_by("queue/test_claim.py::test_a_claim_counts_the_try_and_raises_the_fence[sqlite]")
def claim_number(patch: pytest.MonkeyPatch) -> None:
    def taking(*which: Any, **more: Any) -> Any:
        return statement(*which, **more).values(claim=jobs.c.claim)

    statement = claim._taking
    patch.setattr(claim, "_taking", taking)
    patch.setattr(claim, "_OF_LANE", claim._Which(jobs.c.priority == bindparam("lane"), jobs.c.losses < claim.LONELY))
    patch.setattr(claim, "_OLDEST", claim._Which(jobs.c.losses < claim.LONELY))


@noticed_by_trial("simulation", 20)
@noticed_by("queue/test_claim.py::test_only_the_head_of_a_key_is_taken[sqlite]")
def head_flag(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(claim, "ready", pending)
    patch.setattr(claim, "_OF_LANE", claim._Which(jobs.c.priority == bindparam("lane"), jobs.c.losses < claim.LONELY))


@noticed_by("faults/test_safeguards.py::test_the_next_of_a_key_is_claimed_by_the_step_that_finishes_the_one_before[sqlite]")
def finish_before_claim(patch: pytest.MonkeyPatch) -> None:
    run = step.run_step

    def claiming_first(conn: Connection, plan: step.Plan) -> step.Stepped:
        taken = step._claim(conn, plan, ())
        stepped = run(conn, step.replace(plan, wanted=None))
        return step.Stepped(stepped.finished, stepped.ran, taken)

    patch.setattr(step, "run_step", claiming_first)


@noticed_by("flows/test_what_a_send_finds.py::test_one_whose_worker_died_while_sending_is_in_doubt_and_not_called_again[sqlite]")
def intent_before_the_call(patch: pytest.MonkeyPatch) -> None:
    def only_named(conn: Connection, wanted: Sequence[tuple[int, int]]) -> dict[int, str]:
        return {message_id: f"{message_id}.1" for message_id, _ in wanted}

    patch.setattr(messages, "begin_attempts", only_named)


@noticed_by_trial("crashpoints", 150)
@noticed_by("flows/test_what_a_send_finds.py::test_one_whose_worker_died_while_sending_is_in_doubt_and_not_called_again[sqlite]")
def no_second_send_after_a_death(patch: pytest.MonkeyPatch) -> None:
    def again(ctx: Any, message: Any) -> Retry:
        return Retry("try again", then=lambda conn: messages.back_to_ready(conn, message.id, "try again"))

    patch.setattr(intent, "_found_sending", again)


@noticed_by_trial("simulation", 8)
@noticed_by("flows/test_sending.py::test_a_send_without_a_clear_answer_is_unknown_and_settled_by_the_providers_status[sqlite]")
def no_repeat_of_an_unknown(patch: pytest.MonkeyPatch) -> None:
    def unsent(reason: str) -> Refused:
        return Refused(reason, counts=True)

    for name in ("send", "errors"):
        patch.setattr(import_module(f"leadkeeper.channels.whatsapp.{name}"), "Unknown", unsent)


@noticed_by("worker/test_lives.py::test_still_ours_ends_with_the_lease[sqlite]")
def lease_before_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Held, "still_ours", lambda held, job, seconds: True)


@noticed_by("flows/test_models.py::test_a_draft_that_is_late_for_what_was_written_since_is_made_once_more[sqlite]")
def revision_of_a_draft(patch: pytest.MonkeyPatch) -> None:
    drafted = reply.Drafted
    patch.setattr(reply, "Drafted", lambda ctx, asked, draft, last: drafted(ctx, asked, draft, True))


@noticed_by("queue/test_enqueue.py::test_a_pending_dedupe_is_returned_not_stored_again[sqlite]")
def dedupe_of_replies(patch: pytest.MonkeyPatch) -> None:
    values = enqueue._values
    patch.setattr(enqueue, "_values", lambda *given: {**values(*given), "dedupe": None})


@noticed_by("queue/test_heads.py::test_the_sweep_repairs_and_counts_a_key_without_head[sqlite]")
def the_sweep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweep, "headless", lambda conn: [])


@noticed_by("queue/test_people.py::test_halting_a_scope_parks_its_jobs_and_those_to_come[sqlite]")
def parked_when_born(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(enqueue, "parked_among", lambda conn, scopes: frozenset())


@noticed_by("worker/test_lives.py::test_leases_are_renewed_while_the_event_loop_is_blocked[sqlite]")
def renewal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(heart, "renew", lambda conn, pairs, lease: Renewed(list(pairs), []))


@noticed_by_trial("stalls", 2)
@noticed_by("worker/test_lives.py::test_jobs_whose_lease_ran_out_are_taken_over[sqlite]")
def rescue(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chores, "rescue", lambda conn, me, holding: 0)


@noticed_by("worker/test_boots.py::test_jobs_of_a_dead_worker_of_this_host_are_orphans_at_once[sqlite]")
def orphans_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Identity, "dead", lambda identity: [])


@noticed_by("queue/test_leases.py::test_after_its_second_loss_a_job_is_not_claimed_with_others[sqlite]")
def alone_after_two_losses(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leases, "_back", _without_losses(leases._back))


@noticed_by("worker/test_parts.py::test_a_worker_whose_clocks_part_judges_no_lease_for_one_lease")
def clocks_that_part(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Drift, "trusted", lambda drift: True)


@noticed_by("queue/test_timers.py::test_a_slot_runs_once_even_if_two_workers_tick[sqlite]")
def one_job_a_slot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(timers, "following", lambda cron, after, zone: after - timedelta(seconds=1))


@noticed_by("crm/test_send_states.py::test_a_receipt_that_comes_before_our_own_answer_is_kept_and_applied_later[sqlite]")
def receipts_that_come_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receipts, "insert_once", lambda *given: [])


@noticed_by("queue/test_shares.py::test_an_account_never_gets_the_last_half_of_what_the_others_leave[sqlite]")
def share_of_an_account(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shares, "sharers", lambda job: (shares.BULK,) if job.bulk else ())


@noticed_by("flows/test_circuit.py::test_after_failures_in_a_row_what_is_to_be_sent_waits_and_uses_no_try[sqlite]")
def rest_of_an_account(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outages, "after", lambda circuit, event, now: None)


@noticed_by("flows/test_circuit.py::test_after_each_rest_one_message_is_tried_and_the_rest_doubles[sqlite]")
def one_trial_after_a_rest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outages, "let_one_go", lambda conn, account_id, message_ids: {})


@noticed_by("crm/test_audit.py::test_rows_that_disagree_are_named")
def the_audit(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(audit, "_CHECKS", {})


def _always_new(column: str) -> Callable[..., Any]:
    from leadkeeper.store.upsert import insert_once

    def insert(conn: Connection, table: Any, rows: Any, *returning: Any) -> Any:
        made = [{**row, column: f"{row[column]}.{uuid.uuid4().hex}"} if row.get(column) else row for row in rows]
        return insert_once(conn, table, made, *returning)

    return insert


def _without_losses(back: Callable[..., Any]) -> Callable[..., Any]:
    return lambda row, parked, *, attempts, losses, error: back(row, parked, attempts=attempts, losses=0, error=error)


@noticed_by("queue/test_lanes.py::test_what_lies_behind_it_is_found_when_its_time_is_over_and_that_is_the_next_look[sqlite]")
def end_of_a_horizon(patch: pytest.MonkeyPatch) -> None:
    look = lanes.look

    def for_ever(conn: Connection, horizon: lanes.Horizon | None, now: datetime) -> Any:
        return look(conn, replace(horizon, until=math.inf) if horizon is not None else None, now)

    patch.setattr(claim, "look", for_ever)


@noticed_by("queue/test_lanes.py::test_a_horizon_reaches_back_to_the_followers_of_what_has_ended[sqlite]")
def followers_behind_a_horizon(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lanes.Horizon, "reaching", lambda horizon, moment: horizon)
