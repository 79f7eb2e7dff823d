"""The send states: whatever comes in whatever order, a message only moves along the arrows."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.crm import composing, contacts, conversations, leads, messages, receipts
from leadkeeper.crm.receipts import Receipt
from leadkeeper.errors import Conflict, NotFound
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts

ARROWS = {
    "ready": {"sending", "cancelled", "failed"},
    "sending": {"accepted", "unknown", "failed", "ready"},
    "accepted": {"sent", "delivered", "read", "failed"},
    "sent": {"delivered", "read", "failed"},
    "delivered": {"read"},
    "read": set(),
    "unknown": {"accepted", "sent", "delivered", "read", "failed", "needs_human", "ready"},
    "needs_human": {"accepted", "sent", "delivered", "read", "failed", "ready"},
    "failed": {"ready"},
    "cancelled": set(),
}
"""DESIGN.md, section 4: every change of state that may ever be seen."""

Act = Callable[[Connection, int], object]


def begun(conn: Connection, message_id: int) -> str | None:
    """The token of a new attempt; None where the message is not ready for one."""
    try:
        return messages.begin_attempts(conn, [(message_id, 1)])[message_id]
    except Conflict:
        return None


ACTS: dict[str, Act] = {
    "begin": lambda conn, m: begun(conn, m),
    "accepted": lambda conn, m: messages.accepted(conn, m, f"wamid.{m}"),
    "ready": lambda conn, m: messages.back_to_ready(conn, m, "busy", "130429"),
    "doubt": lambda conn, m: messages.in_doubt(conn, m, "time-out"),
    "human": lambda conn, m: messages.needs_human(conn, m),
    "resend": lambda conn, m: messages.resend(conn, m),
    "retry": lambda conn, m: messages.retry_failed(conn, m),
    "refused": lambda conn, m: messages.failed(conn, m, "131026", "no WhatsApp"),
    "failed status": lambda conn, m: messages.failed(conn, m, "131047", "window", by_status=True),
    "cancel": lambda conn, m: messages.cancel(conn, m, "stale"),
    "sent": lambda conn, m: messages.rise_all(conn, [(m, "sent")]),
    "delivered": lambda conn, m: messages.rise_all(conn, [(m, "delivered")]),
    "read": lambda conn, m: messages.rise_all(conn, [(m, "read")]),
}


def thread(conn: Connection) -> int:
    row = {"channel": "whatsapp", "external_id": "1", "name": "n", "config": {}, "created_at": clock.now()}
    account_id = conn.execute(insert(channel_accounts).values(**row).returning(channel_accounts.c.id)).scalar_one()
    contact_id = contacts.create(conn)
    lead_id = leads.for_contact(conn, contact_id, "whatsapp")
    found, _ = conversations.open_one(
        conn, contact_id=contact_id, account_id=account_id, lead_id=lead_id, address="9715", language="en"
    )
    return found


def write(conn: Connection, conversation_id: int, cause: str = "c1") -> int | None:
    draft = composing.Draft(conversation_id, "ai", "reply", "Hello", cause)
    return composing.compose(conn, [(draft, composing.account_of(conn, conversation_id))]).get(cause)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=25))
def test_a_message_only_moves_along_the_arrows_and_each_attempt_has_its_own_token(db: Database, names: list[str]) -> None:
    tokens: list[str] = []

    def walk(conn: Connection) -> None:
        savepoint = conn.begin_nested()
        message_id = write(conn, thread(conn)) or 0
        for name in names:
            before = messages.get(conn, message_id).state
            result = ACTS[name](conn, message_id)
            after = messages.get(conn, message_id).state
            assert after == before or after in ARROWS[before], f"{before} -> {after} by {name}"
            assert (after != before) == bool(result)
            if isinstance(result, str):
                tokens.append(result)
        savepoint.rollback()

    db.write_now(walk)

    assert len(tokens) == len(set(tokens))


def test_one_cause_writes_one_message(db: Database) -> None:
    def twice(conn: Connection) -> tuple[int | None, int | None]:
        conversation_id = thread(conn)
        return write(conn, conversation_id), write(conn, conversation_id)

    first, second = db.write_now(twice)

    assert first is not None
    assert second is None
    assert db.read_now(composing.by_cause, "c1") == first


def test_a_receipt_that_comes_before_our_own_answer_is_kept_and_applied_later(db: Database) -> None:
    def story(conn: Connection) -> tuple[str, str]:
        conversation_id = thread(conn)
        message_id = write(conn, conversation_id) or 0
        token = messages.begin_attempts(conn, [(message_id, 1)])[message_id]
        account_id = messages.get(conn, message_id).account_id
        for status in ("read", "delivered", "delivered"):
            receipts.keep(conn, [Receipt(account_id, "wamid.9", status, token)])
        receipts.apply(conn, [message_id])
        waiting = messages.get(conn, message_id).state
        messages.accepted(conn, message_id, "wamid.9")
        receipts.claim_parked(conn, [messages.get(conn, message_id)])
        receipts.apply(conn, [message_id])
        return waiting, messages.get(conn, message_id).state

    assert db.write_now(story) == ("sending", "read")


def test_a_receipt_without_a_token_is_parked_until_the_provider_id_is_known(db: Database) -> None:
    def story(conn: Connection) -> tuple[int | None, str]:
        message_id = write(conn, thread(conn)) or 0
        account_id = messages.get(conn, message_id).account_id
        messages.begin_attempts(conn, [(message_id, 1)])[message_id]
        (parked,) = receipts.keep(conn, [Receipt(account_id, "wamid.9", "delivered")])
        messages.accepted(conn, message_id, "wamid.9")
        receipts.claim_parked(conn, [messages.get(conn, message_id)])
        receipts.apply(conn, [message_id])
        return parked, messages.get(conn, message_id).state

    assert db.write_now(story) == (None, "delivered")


@pytest.mark.parametrize("token", ["9.9", "x.1", "1", "", "99999999999999999999.1"])
def test_a_foreign_token_matches_nothing(db: Database, token: str) -> None:
    def story(conn: Connection) -> int | None:
        message_id = write(conn, thread(conn)) or 0
        account_id = messages.get(conn, message_id).account_id
        return receipts.keep(conn, [Receipt(account_id, "wamid.other", "sent", token)])[0]

    assert db.write_now(story) is None


def test_any_receipt_settles_a_send_in_doubt_and_a_failed_one_fails_it(db: Database) -> None:
    def story(conn: Connection, status: str) -> str:
        message_id = write(conn, thread(conn)) or 0
        account_id = messages.get(conn, message_id).account_id
        token = messages.begin_attempts(conn, [(message_id, 1)])[message_id]
        messages.in_doubt(conn, message_id, "reset")
        receipts.keep(conn, [Receipt(account_id, "wamid.9", status, token, error_code="131026", error="no")])
        receipts.apply(conn, [message_id])
        return str(messages.get(conn, message_id).state)

    for status, state in (("sent", "sent"), ("failed", "failed")):
        with pytest.raises(Undone) as undone:
            db.write_now(undo(lambda conn, status=status: story(conn, status)))
        assert undone.value.args == (state,)


def test_waiting_messages_are_cancelled_and_those_on_their_way_are_not(db: Database) -> None:
    def story(conn: Connection) -> tuple[list[int], list[str]]:
        conversation_id = thread(conn)
        first, second = write(conn, conversation_id, "a") or 0, write(conn, conversation_id, "b") or 0
        messages.begin_attempts(conn, [(first, 1)])[first]
        cancelled = messages.cancel_waiting(conn, conversation_id, "a person took over")
        return cancelled, [messages.get(conn, each).state for each in (first, second)]

    cancelled, states = db.write_now(story)

    assert len(cancelled) == 1
    assert states == ["sending", "cancelled"]


def test_unknown_ids_are_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        db.read_now(messages.get, 7)
    with pytest.raises(NotFound):
        db.write_now(write, 7)


class Undone(Exception):
    """Carries a result out of a transaction that is rolled back."""


def undo(fn: Callable[[Connection], object]) -> Callable[[Connection], None]:
    def run(conn: Connection) -> None:
        raise Undone(fn(conn))

    return run
