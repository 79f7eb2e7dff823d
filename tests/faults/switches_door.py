"""The switches of the doors and the guards: who is let in, and what may go out."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from leadkeeper.access import idempotency
from leadkeeper.crm import messages, receipts
from leadkeeper.jobs import statuses
from leadkeeper.rules import guards
from leadkeeper.store.database import Database
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.web import access, csrf, guard, json_api, webhooks
from tests.faults.switch import Off, noticed_by


@noticed_by("web/test_webhooks.py::test_a_wrong_missing_or_short_signature_is_403_and_nothing_is_stored[sqlite-sha256=0]")
def signature(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(webhooks, "verify", lambda *given: None)


@noticed_by("web/test_webhooks.py::test_statuses_of_a_number_whose_secret_did_not_sign_are_not_believed[sqlite]")
def statuses_of_signers_alone(patch: pytest.MonkeyPatch) -> None:
    apply_all = statuses.apply_all

    class Everybody(tuple[int, ...]):
        def __contains__(self, account: object) -> bool:
            return True

    patch.setattr(
        statuses, "apply_all", lambda conn, told: apply_all(conn, [replace(each, signers=Everybody()) for each in told])
    )


@noticed_by("web/test_webhooks.py::test_a_database_that_cannot_be_written_is_503_so_that_it_is_delivered_again[sqlite-whatsapp]")
def acknowledgement_after_commit(patch: pytest.MonkeyPatch) -> None:
    write = Database.write_batch

    async def at_once(db: Database, fn: Any, item: Any, *more: Any) -> Any:
        later = asyncio.ensure_future(write(db, fn, item, *more))
        later.add_done_callback(lambda done: done.cancelled() or done.exception())
        return []

    patch.setattr(Database, "write_batch", at_once)


@noticed_by("web/test_walls.py::test_a_form_of_another_site_is_refused[sqlite-cross-site]")
def forms_of_our_own_site(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(csrf, "check", lambda request: None)


@noticed_by("web/test_every_route.py::test_every_route_lets_in_exactly_who_it_says")
def access_of_routes(patch: pytest.MonkeyPatch) -> None:
    async def anybody(request: Any, wanted: Any) -> None:
        return None

    for place in (access, guard, json_api):
        patch.setattr(place, "permit", anybody)


def _guard(name: str) -> Off:
    def off(patch: pytest.MonkeyPatch) -> None:
        patch.setitem(guards._GUARDS, name, lambda facts, message, now: False)  # type: ignore[arg-type]

    off.__name__ = f"guard_{name}"
    return off


for _purpose, _name in (
    ("reply", "opted_out"), ("reply", "window"), ("reply", "not_ai"), ("reply", "user_owns"), ("reply", "stale"),
    ("reply", "loop"), ("reply", "too_old"), ("reply", "stop_switch"), ("proactive", "quiet_hours"),
    ("proactive", "frequency"), ("proactive", "rule_cap"), ("proactive", "same_text"), ("proactive", "unanswered"),
):  # fmt: skip
    noticed_by(f"rules/test_guards.py::test_each_guard_of_a_class_stops_it_by_itself[{_purpose}-{_name}]")(_guard(_name))


@noticed_by("flows/test_main_job.py::test_opt_out_is_silent_and_lasts[sqlite]")
def opt_out_where_it_matters(patch: pytest.MonkeyPatch) -> None:
    _guard("opted_out")(patch)
    patch.setattr(messages, "cancel_waiting", lambda *given, **more: [])


@noticed_by("web/api/test_idempotency.py::test_two_at_once_are_one[sqlite]")
def one_answer_per_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(idempotency, "insert_once", lambda *given: [given])


@noticed_by("web/api/test_idempotency.py::test_who_dies_before_the_commit_has_done_nothing_and_the_key_is_free[sqlite]")
def own_savepoint_of_a_request(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Savepoint, "undo", Savepoint.keep)


@noticed_by("flows/test_own_echoes.py::test_our_message_told_back_before_the_answer_stays_one_message_of_ours[sqlite]")
def own_echoes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(receipts, "told_back", lambda *given: None)


@noticed_by("web/pages/test_in_doubt.py::test_what_the_provider_has_confirmed_cannot_be_taken_back[sqlite]")
def words_taken_back_in_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(messages, "in_doubt_again", lambda *given: True)
