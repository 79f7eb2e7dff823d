"""With JavaScript off: logging in, looking around, choosing a language, asking before deleting, logging out."""

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.town import PASSWORD, Town


def test_one_can_log_in_change_the_language_and_log_out(visit: Visitor, town: Town) -> None:
    page = visit("/profile", None, java_script_enabled=False)
    page.get_by_label("E-mail").fill("viewer@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your profile")

    page.locator(".me > summary").click()
    page.locator(".me").get_by_role("button", name="العربية").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ملفك الشخصي")
    assert page.url == town.address + "/profile"

    page.locator(".me > summary").click()
    page.locator(".me").get_by_role("button", name="تسجيل الخروج").click()
    expect(page.get_by_text("تم تسجيل خروجك.")).to_be_visible()


def test_buttons_that_need_scripts_are_not_offered(visit: Visitor) -> None:
    page = visit("/styleguide", java_script_enabled=False)

    assert page.locator(".needs-js:visible").count() == 0
    expect(page.locator("live-chart table")).to_be_visible()


def test_a_dangerous_button_asks_first(visit: Visitor) -> None:
    page = visit("/styleguide", java_script_enabled=False)
    button = page.get_by_role("button", name="Delete 8 jobs")
    expect(button).not_to_be_visible()

    page.get_by_text("Delete…").click()

    expect(button).to_be_visible()
