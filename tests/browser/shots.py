"""Screenshots of every page of the rail, for people: light, dark, Arabic, and on a phone.

python -m tests.browser.shots /tmp/shots            # some pages only: ... /tmp/shots inbox rules
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from leadkeeper.access.roles import Role
from tests.browser.chromium import launch
from tests.browser.map import name_of, open_pages, rail_pages
from tests.browser.town import Town, running

LOOKS = {
    "light": ("en", "light", 1280, 860),
    "dark": ("en", "dark", 1280, 860),
    "ar": ("ar", "light", 1280, 860),
    "phone": ("en", "light", 390, 844),
    "phone-ar": ("ar", "dark", 390, 844),
    "middle": ("en", "light", 900, 800),
}


def shoot(browser: Browser, town: Town, folder: Path, only: list[str]) -> None:
    """One picture of each page in each look."""
    for look, (language, theme, width, height) in LOOKS.items():
        for path in [*open_pages(), *rail_pages()]:
            if only and not any(word in path for word in only):
                continue
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
            looks = {"leadkeeper_lang": language, "leadkeeper_theme": theme}
            if path in rail_pages():
                town.set_look(Role.OWNER, language, theme)
                looks["leadkeeper_session"] = town.tokens[Role.OWNER]
            context.add_cookies([{"name": name, "value": value, "url": town.address} for name, value in looks.items()])
            page = context.new_page()
            page.goto(town.address + path)
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name_of(path)}-{look}.png", full_page=look != "phone-ar")
            context.close()


def main() -> None:
    """Take them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running(Path(data)) as town, sync_playwright() as play:
        browser = launch(play)
        shoot(browser, town, folder, sys.argv[2:])
        browser.close()


if __name__ == "__main__":
    main()
