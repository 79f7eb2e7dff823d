"""What a browser says of itself, in words people use: `Chrome on Windows`."""

from collections.abc import Sequence

from leadkeeper.web.words import t

_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"), ("CriOS", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
"""(part of the User-Agent, name); the first that fits counts, since browsers also name those they are like."""

LONGEST = 60


def named(language: str, agent: str | None) -> str:
    """The browser and its system; the beginning of the text itself for a program nobody knows."""
    if not agent:
        return t(language, "Unknown device")
    browser, system = _first(_BROWSERS, agent), _first(_SYSTEMS, agent)
    if browser and system:
        return t(language, "{browser} on {system}", browser=browser, system=system)
    return browser or agent[:LONGEST]


def _first(known: Sequence[tuple[str, str]], agent: str) -> str:
    return next((name for part, name in known if part in agent), "")
