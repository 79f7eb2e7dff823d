"""The contract of static/js/swap.js, line by line, against answers the test decides."""

import pytest
from playwright.sync_api import Page, Route, expect

from leadkeeper.access.roles import Role
from tests.browser.conftest import Visitor

PAGE = """
const main = document.querySelector("#main");
const form = document.createElement("form");
form.method = "post"; form.action = "/try/save"; form.dataset.swap = "#list"; form.id = "save";
form.append(Object.assign(document.createElement("button"), {textContent: "Go", id: "go"}));
const find = document.createElement("form");
find.method = "get"; find.action = "/try/find"; find.dataset.swap = "#list";
find.append(Object.assign(document.createElement("input"), {name: "q", id: "find", type: "search"}));
const list = Object.assign(document.createElement("div"), {id: "list", textContent: "old"});
main.replaceChildren(form, find, list);
"""


def answer(body: str) -> str:
    return f"<!doctype html><title>New</title><main><div id='list'>{body}</div></main><div id='toasts'></div>"


@pytest.fixture
def page(visit: Visitor) -> Page:
    opened = visit("/profile", Role.VIEWER)
    opened.wait_for_function("document.documentElement.classList.contains('js')")
    opened.evaluate(PAGE)
    return opened


def test_the_part_is_swapped_and_the_rest_stays(page: Page) -> None:
    page.route("**/try/save", lambda route: route.fulfill(body=answer("new"), content_type="text/html"))

    page.click("#go")

    expect(page.locator("#list")).to_have_text("new")
    expect(page.locator("#save")).to_be_visible()
    assert page.url.endswith("/profile")


def test_late_answers_never_overtake(page: Page) -> None:
    held: list[Route] = []
    page.route("**/try/find?q=first", lambda route: held.append(route))
    page.route("**/try/find?q=second", lambda route: route.fulfill(body=answer("second"), content_type="text/html"))

    page.fill("#find", "first")
    page.press("#find", "Enter")
    page.wait_for_function("document.querySelector('#list').getAttribute('aria-busy') === 'true'")
    page.fill("#find", "second")
    page.press("#find", "Enter")
    expect(page.locator("#list")).to_have_text("second")

    assert len(held) == 1
    expect(page.locator("#list")).to_have_text("second")
    expect(page.locator("#list")).not_to_have_attribute("aria-busy", "true")


def test_focus_and_caret_stay_and_the_address_follows(page: Page) -> None:
    page.route("**/try/find?q=visa", lambda route: route.fulfill(body=answer("<input id=inner>"), content_type="text/html"))
    page.fill("#find", "visa")
    page.evaluate("document.querySelector('#find').setSelectionRange(2, 2)")

    page.press("#find", "Enter")
    expect(page.locator("#inner")).to_be_visible()

    assert page.evaluate("document.activeElement.id") == "find"
    assert page.evaluate("document.querySelector('#find').selectionStart") == 2
    assert page.url.endswith("/try/find?q=visa")


def test_a_refused_form_is_swapped_in_with_its_errors(page: Page, visit: Visitor) -> None:
    visit.expected = ("400",)
    bad = answer("<input id='amount' aria-invalid='true'>")
    page.route("**/try/save", lambda route: route.fulfill(status=400, body=bad, content_type="text/html"))

    page.click("#go")

    expect(page.locator("#amount")).to_be_focused()


@pytest.mark.parametrize("status", [403, 500, 503])
def test_any_other_failure_is_told_and_changes_nothing(page: Page, visit: Visitor, status: int) -> None:
    visit.expected = (str(status),)
    body = "<main><h1 data-error>The database does not answer.</h1><div id='list'>broken</div></main>"
    page.route("**/try/save", lambda route: route.fulfill(status=status, body=body, content_type="text/html"))

    page.click("#go")

    expect(page.locator(".toast.is-bad")).to_contain_text("The database does not answer.")
    expect(page.locator("#list")).to_have_text("old")
    expect(page.locator("#go")).to_be_enabled()


def test_a_server_that_is_away_is_told(page: Page, visit: Visitor) -> None:
    visit.expected = ("ERR_",)
    page.route("**/try/save", lambda route: route.abort("connectionrefused"))

    page.click("#go")

    expect(page.locator(".toast.is-bad")).to_contain_text("cannot be reached")


def test_busy_parts_say_so_and_a_button_is_pressed_once(page: Page) -> None:
    held: list[Route] = []
    page.route("**/try/save", lambda route: held.append(route))

    page.click("#go")
    expect(page.locator("#list")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#go")).to_be_disabled()
    held[0].fulfill(body=answer("done"), content_type="text/html")

    expect(page.locator("#go")).to_be_enabled()
    expect(page.locator("#list")).to_have_text("done")
    assert len(held) == 1


def test_an_answer_without_the_part_is_shown_as_a_page(page: Page) -> None:
    page.route("**/try/find?q=x", lambda route: route.fulfill(body="<h1>Elsewhere</h1>", content_type="text/html"))
    page.fill("#find", "x")

    page.press("#find", "Enter")

    expect(page.get_by_role("heading", name="Elsewhere")).to_be_visible()


def test_messages_of_the_answer_are_shown(page: Page) -> None:
    body = answer("new").replace("<div id='toasts'></div>", "<div id='toasts'><p class='toast is-ok'>Saved.</p></div>")
    page.route("**/try/save", lambda route: route.fulfill(body=body, content_type="text/html"))

    page.click("#go")

    expect(page.locator("#toasts .toast")).to_have_text("Saved.")
