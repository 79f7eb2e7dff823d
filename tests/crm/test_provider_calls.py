"""The provider's log beside the rows: one call a token, none without intent, nothing accepted that nobody heard."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from leadkeeper import clock
from leadkeeper.crm import audit as books
from leadkeeper.crm.provider_calls import Log, read_log
from leadkeeper.errors import Invalid
from leadkeeper.jobs import audit as nightly
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, messages
from tests.crm.test_audit import HOURS, SARA, found
from tests.flows.town import NUMBER, Town, town


def told(place: Town) -> dict[str, Any]:
    return {NUMBER: json.loads(json.dumps(place.provider.log.heard_of(NUMBER)))}


async def laid_beside(place: Town, before: dict[str, Any], after: dict[str, Any] | None = None) -> dict[str, int]:
    """What the audit finds; the provider says `before`, and `after` when it is asked again."""
    answers = [before, before if after is None else after]

    async def fetch() -> Log:
        return read_log(answers.pop(0))

    return found(await nightly.whole(place.db, fetch))


async def answered(place: Town) -> Any:
    await place.says(SARA, HOURS)
    await place.idle()
    return (await place.outbound())[0]


async def test_an_honest_day_agrees_with_what_the_provider_heard(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("error", status=503, code=131016)])
        await answered(place)

        assert await laid_beside(place, told(place)) == {}


async def test_each_way_in_which_the_two_disagree_is_named(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        message = await answered(place)
        heard = told(place)
        calls = heard[NUMBER]["calls"]

        def with_calls(**changed: int) -> dict[str, Any]:
            return {NUMBER: heard[NUMBER] | {"calls": {**calls, **changed}}}

        assert await laid_beside(place, with_calls(**{message.token: 2})) == {"called_twice": 1}
        strange = with_calls(**{f"{message.id}.9": 1, "4711.1": 1, "not ours": 1})
        assert await laid_beside(place, strange) == {"called_without_intent": 3}
        silent = {NUMBER: heard[NUMBER] | {"calls": {}}}
        assert await laid_beside(place, silent) == {"accepted_without_call": 1}


async def test_what_is_sent_while_the_audit_looks_is_no_finding(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        before = told(place)
        await answered(place)

        assert await laid_beside(place, before, told(place)) == {}


async def test_what_was_sent_before_the_log_began_and_what_a_person_vouches_for_is_no_finding(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path) as place:
        await answered(place)
        later = {NUMBER: {"since": clock.iso(clock.now() + timedelta(seconds=1)), "calls": {}}}
        silent = {NUMBER: told(place)[NUMBER] | {"calls": {}}}

        assert await laid_beside(place, later) == {}
        ours = update(messages).where(messages.c.direction == "out")
        await place.db.write(lambda conn: conn.execute(ours.values(external_id=None, state="accepted")))
        assert await laid_beside(place, silent) == {}


async def test_the_nightly_audit_asks_the_simulator_behind_a_simulated_account(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.db.write(
            lambda conn: conn.execute(update(channel_accounts).values(simulated=channel_accounts.c.id == place.account_id))
        )
        message = await answered(place)
        place.provider.log.hear(NUMBER, message.token)

        await place.db.write(enqueue, Job("audit", {}))
        await place.idle()

        kept = await place.db.read(books.last)
        assert kept is not None
        assert (kept["clean"], kept["calls"], kept["findings"]["called_twice"]["ids"]) == (False, 2, [message.id])


async def test_a_real_provider_is_never_asked_and_a_silent_simulator_stops_no_audit(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await answered(place)
        await place.db.write(enqueue, Job("audit", {}))
        await place.idle()
        real = await place.db.read(books.last)
        place.provider.connect(replace(place.sim_account, token="another"))
        await place.db.write(
            lambda conn: conn.execute(
                update(channel_accounts).where(channel_accounts.c.id == place.account_id).values(simulated=True)
            )
        )
        await place.db.write(enqueue, Job("audit", {}))
        await place.idle()

        refused = await place.db.read(books.last)
        assert real is not None
        assert refused is not None
        assert (real["calls"], refused["calls"], refused["clean"]) == (None, None, True)
        assert len(await place.rows(select(messages))) == 2


@pytest.mark.parametrize("given", [None, [], {"1": None}, {"1": {"since": "yesterday", "calls": {}}}, {"1": {"calls": {}}}])
def test_what_is_no_log_is_refused(given: Any) -> None:
    with pytest.raises(Invalid):
        read_log(given)
