"""Every page of the map, in every look: no complaint of the browser, no barrier, no sideways scroll, small enough."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from leadkeeper.access.roles import Role
from tests.browser.conftest import Visitor
from tests.browser.looks import LOOKS, Reader, wider_than_a_phone
from tests.browser.map import open_pages, rail_pages
from tests.browser.town import Town

PAGES = [*((path, Role.OWNER) for path in rail_pages()), *((path, None) for path in open_pages())]
MOST_BYTES = 60_000
MOST_MS = 500
MOST_VISITS = 12
ON_THE_WIRE = """performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
    .reduce((sum, each) => sum + each.encodedBodySize, 0)"""
"""Bytes of the page and of everything it loads."""
PAINTED = """new Promise((done) => {
    const first = (list) => done(list.getEntriesByName("first-contentful-paint")[0].startTime);
    new PerformanceObserver(first).observe({type: "paint", buffered: true});
})"""
"""When something of the page was seen first: milliseconds after it was asked for."""
NAMES = [path for path, _ in PAGES]


def status_of(path: str) -> int:
    return 404 if path == "/no-such-page" else 200


def complains_of_404(visit: Visitor, path: str) -> None:
    if status_of(path) == 404:
        visit.expected = ("404 (Not Found)",)


@pytest.fixture(scope="module", params=LOOKS)
def read(request: pytest.FixtureRequest, browser: Browser, town: Town) -> Iterator[Reader]:
    reader = Reader(browser, town, request.param)
    yield reader
    reader.visitor.close()


@pytest.fixture(scope="module")
def read_plainly(browser: Browser, town: Town) -> Iterator[Reader]:
    """Without scripts."""
    reader = Reader(browser, town, "light", java_script_enabled=False)
    yield reader
    reader.visitor.close()


@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_no_barrier_no_complaint_and_no_sideways_scroll_on_a_phone(read: Reader, path: str, role: Role | None) -> None:
    page = read(path, role, status=status_of(path))

    assert read.barriers(page) == ""
    assert page.locator("h1").count() == 1
    assert wider_than_a_phone(page) == 0
    assert read.complaints == []


@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_a_page_is_small_with_its_style_and_scripts_and_seen_within_half_a_second(
    visit: Visitor, path: str, role: Role | None
) -> None:
    complains_of_404(visit, path)
    page = visit(path, role, status=status_of(path))
    sizes = (len(page.content().encode()), page.evaluate(ON_THE_WIRE))

    # A machine that is busy with something else says nothing about the page: the first quick one of some cold visits counts.
    painted = [float(page.evaluate(PAINTED))]
    while painted[-1] > MOST_MS and len(painted) < MOST_VISITS:
        page.close()
        page = visit(path, role, status=status_of(path))
        painted.append(page.evaluate(PAINTED))

    assert max(sizes) <= MOST_BYTES
    assert painted[-1] <= MOST_MS, painted


@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_a_page_shows_its_heading_without_scripts(read_plainly: Reader, path: str, role: Role | None) -> None:
    page = read_plainly(path, role, status=status_of(path))

    assert page.locator("h1").is_visible()
    assert read_plainly.complaints == []
