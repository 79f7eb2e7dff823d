"""Logged-in devices are named as people name them."""

import pytest

from leadkeeper.web.devices import named

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (WINDOWS, "Chrome on Windows"),
        (WINDOWS + " Edg/131.0.0.0", "Edge on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("x" * 300, "x" * 60),
        (None, "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_a_browser_is_named_with_its_system(agent: str | None, name: str) -> None:
    assert named("en", agent) == name
