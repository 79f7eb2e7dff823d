"""One browser and one running Leadkeeper for all browser tests; `visit` fails on whatever the browser complains about."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from leadkeeper.access.roles import Role
from tests.browser.chromium import found, launch
from tests.browser.town import Town, running
from tests.conftest import skip
from tests.patience import PATIENCE_SECONDS

Visit = Callable[..., Page]

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A server with one user of each role."""
    with running(tmp_path_factory.mktemp("town")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, ended with its module: while it is open no other test of this process can run an event loop."""
    if found() is None:
        skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as play:
        launched = launch(play)
        yield launched
        launched.close()


class Visitor:
    """Opens pages and remembers every complaint of the browser."""

    def __init__(self, browser: Browser, town: Town) -> None:
        self._browser, self._town = browser, town
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ()

    def context(
        self, role: Role | None, language: str = "en", theme: str = "light", width: int = 1280, **more: Any
    ) -> BrowserContext:
        """A fresh browser profile: logged in as `role`, reading in a language and theme."""
        context = self._browser.new_context(viewport={"width": width, "height": 860}, **more)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        cookies = {"leadkeeper_lang": language, "leadkeeper_theme": theme}
        if role is not None:
            self._town.set_look(role, language, theme)
            cookies["leadkeeper_session"] = self._town.tokens[role]
        context.add_cookies([{"name": name, "value": value, "url": self._town.address} for name, value in cookies.items()])
        self._contexts.append(context)
        return context

    def __call__(self, path: str, role: Role | None = Role.OWNER, *, status: int = 200, **look: Any) -> Page:
        """Open a page of the town and wait until its scripts have started."""
        page = self.context(role, **look).new_page()
        self.watch(page)
        return self.go(page, path, status)

    def go(self, page: Page, path: str, status: int = 200) -> Page:
        """Open an address of the town in a page that is there."""
        answer = page.goto(self._town.address + path, wait_until="load")
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        return page

    def watch(self, page: Page) -> None:
        """Remember console errors, page errors and failed requests of a page."""
        page.on("console", lambda message: self._note(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("requestfailed", lambda request: self._lost(request))

    def close(self) -> None:
        """Close every profile."""
        for context in self._contexts:
            context.close()

    def _note(self, words: str) -> None:
        if not any(known in words for known in self.expected):
            self.complaints.append(words)

    def _lost(self, request: Any) -> None:
        """A request that failed; the live stream and requests that a newer one replaced are cut off on purpose."""
        if "ERR_ABORTED" not in str(request.failure):
            self._note(f"{request.url}: {request.failure}")


@pytest.fixture
def visit(browser: Browser, town: Town) -> Iterator[Visitor]:
    """`visit("/inbox", Role.AGENT, language="ar", theme="dark", width=390)`; `visit.expected` names allowed complaints."""
    visitor = Visitor(browser, town)
    yield visitor
    visitor.close()
    assert visitor.complaints == []
