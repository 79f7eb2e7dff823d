"""A page in every look: light, dark, and from right to left. One tab goes from page to page, as people do."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from leadkeeper.access.roles import Role
from tests.browser.conftest import Visitor
from tests.browser.town import Town

LOOKS = {"light": ("en", "light"), "dark": ("en", "dark"), "rtl": ("ar", "light")}
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 860}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""What a theme can spoil: the rest of a dark page is that of the light one."""


class Reader:
    """Reads pages in one look, each role in a tab of its own. `more` is for the browser, as of `Visitor.context`."""

    def __init__(self, browser: Browser, town: Town, look: str, **more: Any) -> None:
        self.visitor, self.look = Visitor(browser, town), look
        self._more = more
        self._tabs: dict[Role | None, Page] = {}

    def __call__(self, path: str, role: Role | None = Role.OWNER, *, status: int = 200) -> Page:
        """The page at `path`, loaded. What is said of an expected refusal is no complaint."""
        if role not in self._tabs:
            language, theme = LOOKS[self.look]
            self._tabs[role] = self.visitor.context(role, language, theme, **self._more).new_page()
            self.visitor.watch(self._tabs[role])
        self.visitor.complaints.clear()
        self.visitor.expected = () if status == 200 else (f"status of {status}",)
        return self.visitor.go(self._tabs[role], path, status)

    @property
    def complaints(self) -> list[str]:
        """What the browser has complained of since the page was asked for."""
        return self.visitor.complaints

    def barriers(self, page: Page) -> str:
        """What axe finds in the page; empty when there is nothing."""
        results = Axe().run(page, options=COLOURS if self.look == "dark" else {"resultTypes": ["violations"]})
        return results.generate_report() if results.violations_count else ""


def wider_than_a_phone(page: Page) -> Any:
    """By how many pixels the page is wider than a phone's screen; the tab is a desk's again afterwards."""
    page.set_viewport_size(PHONE)
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.set_viewport_size(DESK)
    return over
