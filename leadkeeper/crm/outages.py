"""Providers that do not answer: the circuit of each account as its row keeps it, and the sends that wait because of it.

What counts is the row, which every send reads with its account before it goes. That what waits is held
back in the queue only spares it coming in vain. The row is written when something fails, and when there is
something to clear: never for a provider that answers (docs/decisions/0021).
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts
from leadkeeper.crm.circuit import Answered, Begun, Circuit, Event, Failed, Hurried, after, of_json
from leadkeeper.queue.scopes import hold_back, release
from leadkeeper.store.schema import channel_accounts as table
from leadkeeper.store.signals import signal

SPREAD = 0.2
_RANDOM = Random()


def failed(conn: Connection, account_id: int, message_id: int, reason: str) -> None:
    """A send of this account came to nothing good. Where that opens its circuit, all that waits is held back at once."""
    before = _locked(conn, account_id)
    spread = _RANDOM.uniform(1 - SPREAD, 1 + SPREAD)
    now = after(before, Failed(message_id, spread), clock.now())
    if now == before:
        return
    _keep(conn, account_id, now)
    accounts.note_error(conn, account_id, reason)
    point("circuit.counted")
    _hold_back(conn, account_id, now)


def answered(conn: Connection, account_id: int) -> None:
    """The provider answers: what is left of a row of failures is forgotten, and what waits goes now."""
    _move(conn, account_id, Answered())


def try_now(conn: Connection, account_id: int) -> bool:
    """A person ends the rest: the next message goes as the trial, now. False when there was nothing to end."""
    return _move(conn, account_id, Hurried())


def let_one_go(conn: Connection, account_id: int, message_ids: Sequence[int]) -> dict[int, datetime]:
    """The rest of an account is over and these would go: the first is the trial, the others wait until the moments given."""
    circuit = _locked(conn, account_id)
    if circuit is None or not circuit.is_open:
        return {}
    until = circuit.rests_until(clock.now())
    if until is not None:
        return dict.fromkeys(message_ids, until)
    trying = after(circuit, Begun(message_ids[0]), clock.now())
    _keep(conn, account_id, trying)
    point("circuit.trial_begun")
    until = _hold_back(conn, account_id, trying)
    return dict.fromkeys(message_ids[1:], until)


def put_back(conn: Connection, account_id: int, until: datetime) -> None:
    """Sends were just put back until a moment: where the rest has ended meanwhile, they go now instead."""
    circuit = _locked(conn, account_id)
    if circuit is None or circuit.until != until:
        release(conn, accounts.scope(account_id), until)


def _hold_back(conn: Connection, account_id: int, circuit: Circuit | None) -> datetime:
    """What waits, waits as long as the circuit says; until when that is."""
    until = clock.now() if circuit is None or circuit.until is None else circuit.until
    hold_back(conn, accounts.scope(account_id), until)
    return until


def _move(conn: Connection, account_id: int, event: Event) -> bool:
    before = _locked(conn, account_id)
    now = after(before, event, clock.now())
    if now == before:
        return False
    _keep(conn, account_id, now)
    point("circuit.moved")
    if before is not None and before.until is not None:
        release(conn, accounts.scope(account_id), before.until)
    return True


def _locked(conn: Connection, account_id: int) -> Circuit | None:
    """The circuit, its row held until commit where there is one: who ends a rest and who waits for it meet here."""
    query = select(table.c.circuit).where(table.c.id == account_id).with_for_update()
    return of_json(conn.execute(query).scalar_one())


def _keep(conn: Connection, account_id: int, circuit: Circuit | None) -> None:
    kept = None if circuit is None else circuit.as_json()
    conn.execute(update(table).where(table.c.id == account_id).values(circuit=kept))
    signal(conn, "channels")
