"""A model in the whole story: paid once, believed only where its sources hold, replaced by the documents when it is down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from leadkeeper.jobs import reply as replying
from leadkeeper.jobs.context import Toolbox
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.simulator.app import build
from leadkeeper.store.database import Database
from leadkeeper.store.schema import decisions
from leadkeeper.worker.worker import Worker
from tests.ai.fake_model import FakeModel, fails, writes
from tests.flows.test_main_job import SARA
from tests.flows.test_nothing_stays_open import HOURS, settled
from tests.flows.town import Town, town

QUOTE = "We are open Monday to Friday from 9:00 to 20:00."
SAID = "We are open from Monday to Friday, 9:00 to 20:00."


@asynccontextmanager
async def town_with(db: Database, folder: Path, model: FakeModel, **settings: Any) -> AsyncIterator[Town]:
    """A town whose worker reaches the provider at one address and the model at another."""
    asked = {"ai_url": "http://model/v1", "ai_model": "tiny", "backoff_seconds": 0.01, **settings}
    async with town(db, folder, working=False, **asked) as place:
        mounts = {"http://model": httpx2.MockTransport(model._answer)}
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(build(place.provider)), mounts=mounts)
        place.toolbox = Toolbox(db, place.settings, client, place.box, SearchIndex())
        place.worker = Worker(db, place.settings, place.toolbox, grace=2)
        place.worker.start()
        yield place


async def test_an_answer_a_model_was_paid_for_is_used_again_when_the_job_is_tried_again(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, original, tries = FakeModel(writes(SAID, quotes=[QUOTE])), replying.conclude, []

    def broken_once(*args: Any) -> bool:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("out of order")
        return original(*args)

    monkeypatch.setattr(replying, "conclude", broken_once)
    async with town_with(db, tmp_path, model) as place:
        await place.says(SARA, HOURS)
        await settled(place)

        assert await place.decided() == [("answered", "model")]
        assert [text.endswith(SAID) for text in await place.sent()] == [True]
        assert (len(tries), len(model.requests), place.calls()) == (2, 1, 1)


async def test_a_model_that_is_down_leaves_the_answer_to_the_documents(db: Database, tmp_path: Path) -> None:
    async with town_with(db, tmp_path, FakeModel(fails(503))) as place:
        await place.says(SARA, HOURS)
        await settled(place)

        assert await place.decided() == [("answered", "documents")]
        assert [text.endswith(QUOTE) for text in await place.sent()] == [True]


async def test_a_price_no_passage_holds_never_leaves(db: Database, tmp_path: Path) -> None:
    invented = writes("We are open Monday to Friday from 9:00 to 20:00, and it costs AED 150.", quotes=[QUOTE])
    async with town_with(db, tmp_path, FakeModel(invented)) as place:
        await place.says(SARA, HOURS)
        await settled(place)

        assert await place.decided() == [("answered", "documents")]
        assert not any("150" in text for text in await place.sent())


async def test_a_model_that_hands_over_is_believed_and_the_customer_told(db: Database, tmp_path: Path) -> None:
    async with town_with(db, tmp_path, FakeModel(writes("", citations=(), decision="handoff"))) as place:
        await place.says(SARA, HOURS)
        await settled(place)

        assert await place.decided() == [("handed_over", "model_handover")]
        assert [row.purpose for row in await place.outbound()] == ["notice"]


async def test_who_writes_while_the_model_thinks_is_answered_once_for_everything(db: Database, tmp_path: Path) -> None:
    model = FakeModel(writes(SAID, quotes=[QUOTE]))
    async with town_with(db, tmp_path, model, quiet_seconds=0.3) as place:
        await place.says(SARA, HOURS)
        await place.says(SARA, "On Monday?")
        await settled(place)

        assert [outcome for outcome, _ in await place.decided()] == ["answered", "answered"]
        assert len(await place.sent()) == 1
        assert len(model.requests) == 1


class Interrupted(FakeModel):
    """A model that has not answered yet when the customer writes again."""

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if not self.requests:
            await self.place.says(SARA, "On Monday?")
            await self.place.until(decisions, decisions.c.wants_answer, decisions.c.event_id == 2)
        return super()._answer(request)


async def test_a_draft_that_is_late_for_what_was_written_since_is_made_once_more(db: Database, tmp_path: Path) -> None:
    model = Interrupted(writes(SAID, quotes=[QUOTE]))
    async with town_with(db, tmp_path, model) as place:
        model.place = place

        await place.says(SARA, HOURS)
        await settled(place)

        assert [outcome for outcome, _ in await place.decided()] == ["answered", "answered"]
        assert len(await place.sent()) == 1
        assert len(model.requests) == 2
