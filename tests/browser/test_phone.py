"""The frame on a phone: every page is in reach, what is chosen is in sight, and the banners leave room for the page."""

import pytest
from playwright.sync_api import expect

from leadkeeper.access.roles import Role
from leadkeeper.web.routes import menu
from tests.browser.conftest import Visitor

TOUCH = 44
"""Pixels a thumb needs."""
ROOM = 5
"""Pages the bottom bar holds."""


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_of_the_rail_is_two_touches_away(visit: Visitor, language: str) -> None:
    page = visit("/inbox", Role.OWNER, width=390, language=language, has_touch=True)
    page.locator(".me > summary").click()

    for at, entry in enumerate(menu()):
        place = "#rail" if at < ROOM else ".me-menu"
        link = page.locator(f"{place} a[href='{entry.path}']")
        expect(link).to_be_in_viewport(ratio=1)
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH


def test_pages_stand_in_the_rail_alone_where_there_is_room(visit: Visitor) -> None:
    page = visit("/inbox", Role.OWNER)
    page.locator(".me > summary").click()

    expect(page.locator("#rail a:visible")).to_have_count(len(menu()))
    expect(page.locator(".more-page:visible")).to_have_count(0)


@pytest.mark.parametrize("path", ["/settings/changes", "/admin/automation/jobs?status=cancelled", "/inbox?view=closed"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_chosen_tab_is_in_sight(visit: Visitor, path: str, language: str) -> None:
    page = visit(path, Role.OWNER, width=390, language=language)

    expect(page.locator(":is(.tabs, .segments) > [aria-current]")).to_be_in_viewport(ratio=0.95)


def test_a_page_of_the_reader_s_menu_is_marked_there(visit: Visitor) -> None:
    page = visit("/settings", Role.OWNER, width=390)

    page.locator(".me > summary").click()

    expect(page.locator(".me-menu [aria-current]")).to_have_text("Settings")


@pytest.mark.parametrize("path", ["/admin/automation", "/settings"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_question_stands_within_the_screen(visit: Visitor, path: str, language: str) -> None:
    page = visit(path, Role.OWNER, width=390, language=language)

    page.locator("main .confirm > summary").first.click()

    expect(page.locator("main .confirm-box:visible")).to_be_in_viewport(ratio=1)
