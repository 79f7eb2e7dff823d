"""The pages of automation and rules with work in them: no barrier, no sideways scroll, live, and their acts."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import Connection, select, update

from leadkeeper.access.roles import Role
from leadkeeper.queue import control
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.rules import run_book
from leadkeeper.store.schema import jobs, messages
from tests.browser.conftest import Visitor
from tests.browser.looks import LOOKS, Reader, wider_than_a_phone
from tests.browser.town import Town, running
from tests.flows.town import town as town_at_work


class Busy:
    """A town whose worker has gone home after a morning's work, and its pages by name."""

    def __init__(self, town: Town, paths: dict[str, str]) -> None:
        self.town = town
        self.paths = paths


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """Answers, hand-overs, failures of two kinds, a send in doubt, a dry run and waiting jobs."""
    folder = tmp_path_factory.mktemp("busy")
    with running(folder) as served:
        with ThreadPoolExecutor(1) as aside:  # this thread's loop is the browser's
            aside.submit(asyncio.run, _morning(served, folder)).result()
        yield Busy(served, served.db.write_now(_paths))


async def _morning(served: Town, folder: Path) -> None:
    (folder / "work").mkdir()
    async with town_at_work(served.db, folder / "work") as place:
        for number, text in enumerate(
            ["What are your opening hours?", "I want my money back", "Where is your office?", "هل من موظف؟"]
        ):
            await place.says(f"9715000000{number:02}", text)
        await place.db.write(
            lambda conn: [enqueue(conn, Job("inbound_message", {"leadId": 999999, "message": {}})) for _ in range(3)]
        )
        await place.db.write(enqueue, Job("no_such_job", {}))
        await place.db.write(_dry_run)
        await place.idle()
    served.db.write_now(_aftermath)


def _dry_run(conn: Connection) -> int:
    return run_book.start(conn, "manual", dry_run=True)


def _aftermath(conn: Connection) -> None:
    """Jobs that wait, and an answer nobody knows the fate of."""
    enqueue(conn, Job("purge", {}))
    answer = conn.execute(
        select(messages.c.id).where(messages.c.purpose == "reply").order_by(messages.c.id).limit(1)
    ).scalar_one()
    conn.execute(update(messages).where(messages.c.id == answer).values(state="needs_human"))
    control.choose(conn, "stopped")


def _paths(conn: Connection) -> dict[str, str]:
    def first(type_: str) -> int:
        return int(conn.execute(select(jobs.c.id).where(jobs.c.type == type_).order_by(jobs.c.id).limit(1)).scalar_one())

    doubtful = conn.execute(select(messages.c.send_job_id).where(messages.c.state == "needs_human")).scalar_one()
    return {
        "automation": "/admin/automation",
        "jobs": "/admin/automation/jobs",
        "nothing found": "/admin/automation/jobs?status=cancelled&q=nobody",
        "send in doubt": f"/admin/automation/jobs/{doubtful}",
        "reply": f"/admin/automation/jobs/{first('reply')}",
        "failed": f"/admin/automation/jobs/{first('no_such_job')}",
        "dry run": "/admin/automation/runs/1",
        "rules": "/rules",
        "rule": "/rules/12",
        "log": "/rules/log",
        "words": "/rules/words?try=money+back",
        "list": "/rules/words/service",
    }


@pytest.fixture
def visit(browser: Browser, busy: Busy) -> Iterator[Visitor]:
    """As in conftest, over the busy town."""
    visitor = Visitor(browser, busy.town)
    yield visitor
    visitor.close()
    assert visitor.complaints == []


NAMES = (
    "automation",
    "jobs",
    "nothing found",
    "send in doubt",
    "reply",
    "failed",
    "dry run",
    "rules",
    "rule",
    "log",
    "words",
    "list",
)


@pytest.fixture(scope="module", params=LOOKS)
def read(request: pytest.FixtureRequest, browser: Browser, busy: Busy) -> Iterator[Reader]:
    reader = Reader(browser, busy.town, request.param)
    yield reader
    reader.visitor.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_filled_page_has_no_barrier_is_small_and_never_scrolls_sideways_on_a_phone(read: Reader, busy: Busy, name: str) -> None:
    page = read(busy.paths[name])
    page.evaluate("document.querySelectorAll('main details').forEach((box) => { box.open = !box.matches('.confirm') })")

    assert read.barriers(page) == ""
    assert len(page.content().encode()) <= 60_000
    assert wider_than_a_phone(page) == 0
    assert read.complaints == []


def test_the_worker_is_started_and_stopped_without_scripts(visit: Visitor) -> None:
    page = visit("/admin/automation", Role.ADMIN, java_script_enabled=False)

    page.get_by_role("button", name="Start").click()
    expect(page.locator("#toasts")).to_contain_text("The worker is started.")
    page.get_by_role("button", name="Stop").click()

    expect(page.locator("#worker")).to_contain_text("Worker is stopped")


def test_a_failed_job_and_a_group_of_them_are_tried_again_without_scripts(visit: Visitor) -> None:
    page = visit("/admin/automation/jobs?status=failed&type=no_such_job", Role.ADMIN, java_script_enabled=False)
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#toasts")).to_contain_text("is queued again.")

    page = visit("/admin/automation", Role.ADMIN, java_script_enabled=False)
    page.locator("#failures").get_by_role("button", name="Retry 3 failed jobs").click()

    expect(page.locator("#toasts")).to_contain_text("3 jobs are queued again.")


def test_counters_and_lists_follow_the_queue_by_themselves(visit: Visitor, busy: Busy) -> None:
    page = visit("/admin/automation/jobs?status=pending", Role.VIEWER)
    rows = page.locator("#jobs tbody tr")
    before = rows.count()

    busy.town.db.write_now(enqueue, Job("purge", {}))

    expect(rows).to_have_count(before + 1)


def test_a_chart_that_is_being_read_is_not_replaced(visit: Visitor, busy: Busy) -> None:
    page = visit("/admin/automation", Role.VIEWER)
    chart = page.locator("live-chart svg")
    expect(chart).to_be_visible()
    chart.hover(position={"x": 300, "y": 80})
    page.evaluate("document.querySelector('live-chart').dataset.mine = 'yes'")

    busy.town.db.write_now(enqueue, Job("purge", {}))
    expect(page.locator("[data-stat=pending]")).not_to_have_text("0")
    page.wait_for_timeout(1500)
    assert page.locator("live-chart[data-mine]").count() == 1

    page.mouse.move(0, 0)
    busy.town.db.write_now(enqueue, Job("purge", {}))
    expect(page.locator("live-chart[data-mine]")).to_have_count(0)


def test_a_rule_is_switched_and_moved_where_it_stands_and_keeps_the_focus(visit: Visitor) -> None:
    page = visit("/rules", Role.ADMIN)
    page.wait_for_function("document.documentElement.classList.contains('js')")
    number = str(page.locator(".rule-list").nth(1).locator("li").first.get_attribute("id")).removeprefix("rule-")
    switch = page.locator(f"#switch-{number}")
    expect(switch).to_have_attribute("aria-checked", "true")

    switch.focus()
    page.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert page.evaluate("document.activeElement.id") == f"switch-{number}"
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")

    page.locator(f"#down-{number}").click()
    expect(page.locator(f"#up-{number}")).to_be_enabled()
    page.locator(f"#up-{number}").click()
    expect(page.locator(f"#up-{number}")).to_be_disabled()


def test_a_send_in_doubt_is_settled_on_its_page(visit: Visitor, busy: Busy) -> None:
    page = visit(busy.paths["send in doubt"], Role.AGENT)
    page.wait_for_function("document.documentElement.classList.contains('js')")

    page.get_by_role("button", name="It arrived").click()

    expect(page.locator("#toasts")).to_contain_text("Noted: it arrived.")
    expect(page.locator(".settle")).to_have_count(0)
