"""Settings: what cannot work is refused where it is given, by its name."""

import pytest

from leadkeeper import config
from leadkeeper.config import Settings
from leadkeeper.errors import Misconfigured


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEZONE", "Dubai"),
        ("PUBLIC_URL", "desk.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://desk.example.com/leads"),
        ("PUBLIC_URL", "https://sara:secret@desk.example.com"),
        ("GRAPH_URL", "https://"),
        ("AI_URL", "ftp://models.example.com"),
        ("CHAT_ORIGINS", "https://shop.example; script-src *"),
        ("CHAT_ORIGINS", "https://shop.example/path"),
        ("CHAT_ORIGINS", "*"),
        ("TRUSTED_PROXIES", "10.0.0.0/8 proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LEADKEEPER_{name}", value)

    with pytest.raises(Misconfigured, match=f"LEADKEEPER_{name}: "):
        config.load()


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("public_url", "https://desk.example.com/", "https://desk.example.com"),
        ("public_url", "http://[::1]:8080", "http://[::1]:8080"),
        ("ai_url", "http://127.0.0.1:11434/v1/", "http://127.0.0.1:11434/v1"),
        ("chat_origins", "https://a.example/, https://b.example:8443", "https://a.example https://b.example:8443"),
        ("trusted_proxies", "10.0.0.0/8,192.0.2.7  ::1", "10.0.0.0/8 192.0.2.7 ::1"),
    ],
)
def test_what_is_meant_is_understood(name: str, given: str, meant: str) -> None:
    assert getattr(Settings(**{name: given}), name) == meant
