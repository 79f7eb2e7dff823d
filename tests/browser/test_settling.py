"""Settling sends in doubt and looking at an audit that found something, in a browser: with scripts and without, in every look."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Visitor
from tests.browser.looks import LOOKS, Reader, wider_than_a_phone
from tests.browser.town import Town, running
from tests.web.pages import test_audit as audits
from tests.web.pages import test_in_doubt as doubts

PAGE = "/admin/automation/in-doubt"


@pytest.fixture(scope="module")
def doubtful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town with two sends in doubt and an audit that was not clean."""
    with running(tmp_path_factory.mktemp("doubtful")) as served:
        desk: Any = served
        for text in ("We open at nine.", "تستغرق تأشيرة العائلة 7 أيام عمل."):
            doubts.doubt(desk, text)
        audits.prepare_for_shots(served.db)
        yield served


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", [PAGE, audits.PAGE, "/inbox?view=needs_human"])
def test_the_filled_pages_have_no_barrier_and_never_scroll_sideways(
    browser: Browser, doubtful: Town, look: str, path: str
) -> None:
    reader = Reader(browser, doubtful, look)
    page = reader(path)

    assert reader.barriers(page) == ""
    assert wider_than_a_phone(page) == 0
    assert reader.complaints == []
    reader.visitor.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_it_arrived_is_said_and_taken_back(browser: Browser, doubtful: Town, scripts: bool) -> None:
    visit = Visitor(browser, doubtful)
    page = visit(PAGE, java_script_enabled=scripts)
    first = page.locator("#doubts > ol > li").first
    expect(page.locator("#doubts > ol > li")).to_have_count(2)

    first.get_by_role("button", name="It arrived").click()
    expect(page.locator("#doubts > ol > li")).to_have_count(1)
    page.locator("#settled").get_by_role("button", name="Take back").click()

    expect(page.locator("#doubts > ol > li")).to_have_count(2)
    expect(page.locator("#settled").get_by_role("button", name="Take back")).to_have_count(0)
    assert visit.complaints == []
    visit.close()
