"""Debian's Chromium under Playwright: nothing is downloaded."""

import shutil

from playwright.sync_api import Browser, Playwright

ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def found() -> str | None:
    """The browser's path, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def launch(play: Playwright) -> Browser:
    """A headless browser."""
    return play.chromium.launch(executable_path=found(), args=list(ARGS))
