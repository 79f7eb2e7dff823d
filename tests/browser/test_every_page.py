"""Every page of the map, in every look: no complaint of the browser, no barrier, no sideways scroll, small enough."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from leadkeeper.access.roles import Role
from tests.browser.conftest import Visitor
from tests.browser.map import open_pages, rail_pages

LOOKS = {"light": ("en", "light"), "dark": ("en", "dark"), "rtl": ("ar", "light")}
PAGES = [*((path, Role.OWNER) for path in rail_pages()), *((path, None) for path in open_pages())]
MOST_BYTES = 60_000
NAMES = [path for path, _ in PAGES]


def status_of(path: str) -> int:
    return 404 if path == "/no-such-page" else 200


def complains_of_404(visit: Visitor, path: str) -> None:
    if status_of(path) == 404:
        visit.expected = ("404 (Not Found)",)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_no_barrier_and_no_complaint(visit: Visitor, path: str, role: Role | None, look: str) -> None:
    complains_of_404(visit, path)
    language, theme = LOOKS[look]
    page = visit(path, role, status=status_of(path), language=language, theme=theme)

    results = Axe().run(page)

    assert results.violations_count == 0, results.generate_report()
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_a_phone_never_scrolls_sideways(visit: Visitor, path: str, role: Role | None, language: str) -> None:
    complains_of_404(visit, path)
    page = visit(path, role, status=status_of(path), width=390, language=language)

    assert page.evaluate("document.documentElement.scrollWidth") == page.evaluate("innerWidth")


@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_a_page_is_small(visit: Visitor, path: str, role: Role | None) -> None:
    complains_of_404(visit, path)
    page = visit(path, role, status=status_of(path))

    assert len(page.content().encode()) <= MOST_BYTES


@pytest.mark.parametrize(("path", "role"), PAGES, ids=NAMES)
def test_a_page_shows_its_heading_without_scripts(visit: Visitor, path: str, role: Role | None) -> None:
    complains_of_404(visit, path)
    page = visit(path, role, status=status_of(path), java_script_enabled=False)

    assert page.locator("h1").is_visible()
