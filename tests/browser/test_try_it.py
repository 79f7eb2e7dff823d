"""What a stranger does in the first minutes: the example in one click, three questions, a chat on a website."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from leadkeeper.access.roles import Role
from leadkeeper.example import clear
from tests.browser.town import Town, running

SLOW_MS = 20_000


@pytest.fixture(scope="module")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Somebody's website at an origin of its own: its address and its folder."""
    folder = tmp_path_factory.mktemp("website")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, website: tuple[str, Path]) -> Iterator[Town]:
    """A town whose worker works, and whose chat may stand on the website."""
    folder = tmp_path_factory.mktemp("busy")
    with running(folder, working=True, quiet_seconds=0.2, poll_seconds=0.2, chat_origins=website[0]) as town:
        yield town


@pytest.fixture
def owner(browser: Browser, busy: Town) -> Iterator[Page]:
    """The owner's browser."""
    context = logged_in(browser, busy)
    yield context.new_page()
    context.close()


def logged_in(browser: Browser, busy: Town, **more: object) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1280, "height": 860}, **more)  # type: ignore[arg-type]
    context.add_cookies([{"name": "leadkeeper_session", "value": busy.tokens[Role.OWNER], "url": busy.address}])
    return context


def test_example_answers_hands_over_and_calls_a_person_while_one_watches(owner: Page, busy: Town) -> None:
    owner.goto(busy.address + "/setup/business")
    owner.get_by_role("button", name="Try with an example business").click()
    owner.wait_for_url("**/simulate")
    asks, said, happened = owner.locator(".asks button"), owner.locator(".said:not(.is-mine)"), owner.locator("#happened")

    asks.nth(0).click()
    expect(said.last).to_contain_text("AED 13,900", timeout=SLOW_MS)
    expect(happened).to_contain_text("a document answers it", timeout=SLOW_MS)
    expect(happened.locator(".badge.is-read")).to_be_visible(timeout=SLOW_MS)
    asks.nth(1).click()
    expect(said.last).to_contain_text("passing it to a colleague", timeout=SLOW_MS)
    expect(happened).to_contain_text("no document", timeout=SLOW_MS)
    owner.get_by_role("button", name="Let the AI answer again").click()
    asks.nth(2).click()

    expect(happened).to_contain_text("they asked for a person", timeout=SLOW_MS)


def test_phone_works_without_scripts(browser: Browser, busy: Town) -> None:
    context = logged_in(browser, busy, java_script_enabled=False)
    page = context.new_page()
    page.goto(busy.address + "/simulate?as=971600001006")

    page.fill("#text", "do you have parking")
    page.locator(".phone-write button").click()
    page.wait_for_timeout(1_500)
    page.reload()

    expect(page.locator(".said.is-mine")).to_contain_text("do you have parking")
    context.close()


def test_chat_on_a_website_answers_and_remembers(browser: Browser, busy: Town, website: tuple[str, Path]) -> None:
    address, folder = website
    script = f'<script src="{busy.address}/chat.js" async></script>'
    (folder / "shop.html").write_text(f"<!doctype html><title>Shop</title><h1>Shop</h1>{script}")
    context = browser.new_context(viewport={"width": 320, "height": 600})
    page = context.new_page()
    page.goto(address + "/shop.html")

    page.get_by_role("button", name="Open the chat").click()
    chat = page.frame_locator("iframe")
    chat.get_by_label("Your message").fill("hello, do you have parking?")
    chat.get_by_label("Your message").press("Enter")

    expect(chat.locator("#thread > .theirs")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    page.get_by_role("button", name="Open the chat").click()
    expect(chat.locator("#thread > .mine")).to_have_count(1, timeout=SLOW_MS)
    expect(chat.locator("#thread > .theirs")).to_have_count(1, timeout=SLOW_MS)
    context.close()


def test_message_written_while_the_line_is_down_is_said_once_when_it_is_back(browser: Browser, busy: Town) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(busy.address + "/chat")
    page.get_by_label("Your message").fill("first")
    page.get_by_label("Your message").press("Enter")
    expect(page.locator(".mine:not(.unsent)")).to_have_count(1, timeout=SLOW_MS)

    lost: list[str] = []

    def answer_is_lost(route: object) -> None:
        lost.append("x")
        if len(lost) <= 2:
            route.fetch()  # type: ignore[attr-defined]  # it arrives, but the browser never hears so
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/webhooks/webchat", answer_is_lost)
    page.get_by_label("Your message").fill("second")
    page.get_by_label("Your message").press("Enter")

    expect(page.locator(".mine:not(.unsent)")).to_have_count(2, timeout=SLOW_MS)
    page.reload()
    expect(page.locator(".mine")).to_have_count(2, timeout=SLOW_MS)
    assert lost
    context.close()


def test_another_website_cannot_frame_the_chat(browser: Browser, busy: Town, website: tuple[str, Path]) -> None:
    address, folder = website
    (folder / "other.html").write_text(f'<!doctype html><title>Other</title><iframe src="{busy.address}/chat"></iframe>')
    context = browser.new_context()
    page = context.new_page()

    page.goto(address.replace("127.0.0.1", "localhost") + "/other.html")
    page.wait_for_timeout(500)

    assert page.frames[-1].url != busy.address + "/chat" or page.frames[-1].locator("#text").count() == 0
    context.close()


def test_demo_data_is_cleared_from_the_banner(owner: Page, busy: Town) -> None:
    owner.goto(busy.address + "/simulate")

    owner.locator(".banner summary").click()
    owner.locator(".banner").get_by_role("button", name="Clear demo data").click()
    owner.wait_for_url("**/setup/business")

    expect(owner.locator(".toast")).to_contain_text("The demo data is gone.")
    assert not busy.db.read_now(clear.present)
