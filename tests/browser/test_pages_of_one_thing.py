"""Every page of one thing, such as a document or a run, over the example's two weeks: the same bars as the pages of the rail."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Connection, Select, func, select

from leadkeeper.rules import run_book
from leadkeeper.store.schema import channel_accounts, documents, jobs, messages
from leadkeeper.web.routes import PAGES
from tests.browser.looks import LOOKS, Reader, wider_than_a_phone
from tests.browser.test_every_page import MOST_BYTES, ON_THE_WIRE
from tests.browser.town import Town, running
from tests.example.test_history import told
from tests.flows.town import town as town_at_work

ONE_THING = sorted(entry.path for entry in PAGES.all().values() if entry.method == "GET" and entry.title and "{" in entry.path)


class Full:
    """A town with the example's history, and an address for each page of one thing."""

    def __init__(self, town: Town, paths: dict[str, str]) -> None:
        self.town, self.paths = town, paths


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    folder = tmp_path_factory.mktemp("full")
    with running(folder) as served:
        with ThreadPoolExecutor(1) as aside:  # this thread's loop is the browser's
            aside.submit(asyncio.run, _two_weeks(served, folder)).result()
        yield Full(served, served.db.write_now(_addresses))


async def _two_weeks(served: Town, folder: Path) -> None:
    (folder / "work").mkdir()
    async with town_at_work(served.db, folder / "work") as place:
        await told(place)
        await place.db.write(lambda conn: run_book.start(conn, "manual", dry_run=True))
        await place.idle()


def _addresses(conn: Connection) -> dict[str, str]:
    def last(query: Select[int]) -> int:
        return int(conn.execute(query.limit(1)).scalar_one())

    longest = select(messages.c.conversation_id).group_by(messages.c.conversation_id).order_by(func.count().desc())
    number = select(channel_accounts.c.id).where(channel_accounts.c.channel == "whatsapp")
    document = last(select(documents.c.id).order_by(documents.c.id.desc()))
    return {
        "/admin/automation/jobs/{job_id:int}": f"/admin/automation/jobs/{last(select(jobs.c.id).where(jobs.c.type == 'send'))}",
        "/admin/automation/runs/{run_id:int}": "/admin/automation/runs/1",
        "/channels/{account_id:int}": f"/channels/{last(number)}",
        "/inbox/{conversation_id:int}": f"/inbox/{last(longest)}?view=all",
        "/knowledge/{document_id:int}": f"/knowledge/{document}",
        "/knowledge/{document_id:int}/edit": f"/knowledge/{document}/edit",
        "/rules/words/{list}": "/rules/words/service",
        "/rules/{rule_id:int}": "/rules/11",
    }


@pytest.fixture(scope="module", params=LOOKS)
def read(request: pytest.FixtureRequest, browser: Browser, full: Full) -> Iterator[Reader]:
    reader = Reader(browser, full.town, request.param)
    yield reader
    reader.visitor.close()


@pytest.mark.parametrize("path", ONE_THING)
def test_a_page_of_one_thing_has_no_barrier_is_small_and_never_scrolls_sideways(read: Reader, full: Full, path: str) -> None:
    page = read(full.paths[path])

    assert max(len(page.content().encode()), page.evaluate(ON_THE_WIRE)) <= MOST_BYTES
    assert read.barriers(page) == ""
    assert page.locator("h1").count() == 1
    assert wider_than_a_phone(page) == 0
    assert read.complaints == []
