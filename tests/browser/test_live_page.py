"""The live page: changes of others appear by themselves, the offline bar, the keyboard, the chart."""

import pytest
from playwright.sync_api import expect

from leadkeeper.access.roles import Role
from leadkeeper.queue import control
from tests.browser.conftest import Visitor
from tests.browser.town import Town


def test_what_another_person_does_appears_by_itself(visit: Visitor, town: Town) -> None:
    town.db.write_now(control.choose, "running", None)
    page = visit("/profile", Role.VIEWER)
    expect(page.locator("#banners")).to_contain_text("worker is silent")

    town.db.write_now(control.choose, "stopped", None)

    expect(page.locator("#worker-dot")).to_contain_text("Worker is stopped")
    expect(page.locator("#banners")).not_to_contain_text("worker is silent")
    town.db.write_now(control.choose, "running", None)


def test_what_is_being_typed_is_never_replaced(visit: Visitor, town: Town) -> None:
    page = visit("/styleguide", Role.VIEWER)
    page.wait_for_function("document.documentElement.classList.contains('js')")
    page.evaluate("document.querySelector('#jobs').dataset.live = 'worker'")
    page.fill("#q", "visa")

    town.db.write_now(control.choose, "stopped", None)
    expect(page.locator("#worker-dot")).to_contain_text("Worker is stopped")

    assert page.input_value("#q") == "visa"
    assert page.evaluate("document.activeElement.id") == "q"
    town.db.write_now(control.choose, "running", None)


def test_a_lost_connection_is_said_and_taken_back(visit: Visitor) -> None:
    visit.expected = ("ERR_", "Failed to load")
    page = visit("/profile", Role.VIEWER)
    expect(page.locator("#offline")).to_be_hidden()

    page.context.set_offline(True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("window.dispatchEvent(new Event('pagehide'))")
    page.evaluate("const shown = new Event('pageshow'); shown.persisted = true; window.dispatchEvent(shown)")
    expect(page.locator("#offline")).to_be_visible()

    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()


def test_keys_open_the_sheet_move_through_rows_and_search(visit: Visitor) -> None:
    page = visit("/styleguide", Role.VIEWER)
    page.wait_for_function("document.documentElement.classList.contains('js')")

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.textContent") == "#4820"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("j?")
    assert page.input_value("#q") == "j?"


def test_the_chart_is_drawn_from_its_table_and_reads_points_out(visit: Visitor) -> None:
    page = visit("/styleguide", Role.VIEWER)
    expect(page.locator("live-chart svg .trace")).to_have_count(2)
    first = page.locator("live-chart tbody tr").first.inner_text().split()

    page.locator("live-chart svg").focus()
    for _ in range(60):
        page.keyboard.press("ArrowLeft")

    expect(page.locator("live-chart .read")).to_contain_text(first[0])
    expect(page.locator("live-chart .read")).to_contain_text(first[1])


@pytest.mark.parametrize("insecure", [False, True], ids=["https", "http in the house"])
def test_what_is_copied_is_on_the_clipboard_and_said(visit: Visitor, insecure: bool) -> None:
    page = visit("/channels", Role.OWNER, permissions=["clipboard-read", "clipboard-write"])
    if insecure:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    button = page.locator("[data-copy]").first

    button.click()

    expect(page.locator("#toasts")).to_contain_text("Copied.")
    if insecure:
        page.evaluate("delete navigator.clipboard")
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
