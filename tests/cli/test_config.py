"""`leadkeeper config`: values, where they came from, and nothing secret."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from leadkeeper.cli.config import MASK, masked
from leadkeeper.config import Settings
from leadkeeper.store import settings_rows
from tests.cli.conftest import Terminal


def shown(terminal: Terminal) -> dict[str, dict[str, Any]]:
    done = terminal.run("config", "--json")
    return {item["name"]: item for item in json.loads(done.stdout)["settings"]}


def test_every_setting_is_shown_with_where_it_came_from(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_PORT", "8100")
    Path(".env").write_text("LEADKEEPER_TIMEZONE=Asia/Dubai\n")
    terminal.db.write_now(settings_rows.save, "quiet_seconds", 1)

    listed = shown(terminal)

    assert len(listed) == len(Settings.model_fields)
    assert (listed["LEADKEEPER_PORT"]["value"], listed["LEADKEEPER_PORT"]["source"]) == (8100, "environment")
    assert (listed["LEADKEEPER_TIMEZONE"]["value"], listed["LEADKEEPER_TIMEZONE"]["source"]) == ("Asia/Dubai", ".env")
    assert (listed["LEADKEEPER_QUIET_SECONDS"]["value"], listed["LEADKEEPER_QUIET_SECONDS"]["source"]) == (1, "database")
    assert listed["LEADKEEPER_HOST"]["source"] == "default"


def test_the_known_name_of_the_auto_start_setting_counts_as_environment(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOPILOT_WORKER_AUTO_START", "false")

    item = shown(terminal)["LEADKEEPER_WORKER_AUTO_START"]

    assert (item["value"], item["source"]) == (False, "environment")


def test_secrets_are_masked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_WHATSAPP_TOKEN", "EAAG-secret")

    done = terminal.run("config")

    assert "EAAG-secret" not in done.output
    assert shown(terminal)["LEADKEEPER_WHATSAPP_TOKEN"]["value"] == MASK


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (SecretStr(""), ""),
        (SecretStr("x"), MASK),
        ("postgresql://me:pass@db/leads", "postgresql://me:***@db/leads"),
        ("https://desk.example.com", "https://desk.example.com"),
        ("not a url://@", MASK),
        (None, None),
        (5.0, 5.0),
    ],
)
def test_what_a_screen_may_show_of_a_value(value: object, seen: object) -> None:
    assert masked(value) == seen


def test_an_unknown_name_is_told_and_what_was_given_is_shown_all_the_same(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADKEEPER_PROT", "topsecret")
    monkeypatch.setenv("LEADKEEPER_AI_KEY", "sk-secret")

    done = terminal.run("config")

    assert done.exit_code == 1
    assert "did you mean LEADKEEPER_PORT?" in done.output
    assert "LEADKEEPER_AI_KEY" in done.output
    assert "secret" not in done.output.replace("LEADKEEPER_CRON_SECRET", "")


def test_without_a_database_the_rest_is_shown_with_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from leadkeeper.cli.main import app

    monkeypatch.setenv("LEADKEEPER_DATA_DIR", str(tmp_path / "nothing"))

    done = CliRunner().invoke(app, ["config"])

    assert done.exit_code == 0
    assert "there is no database" in done.output
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TIMEZONE", "Dubai", "unknown time zone 'Dubai'; did you mean Asia/Dubai?"),
        ("TIMEZONE", "Asia/Dubay", "did you mean Asia/Dubai?"),
        ("PUBLIC_URL", "desk.example.com", "LEADKEEPER_PUBLIC_URL: must begin with http:// or https://"),
        ("DATA_DRI", "x", "LEADKEEPER_DATA_DRI is not a setting; did you mean LEADKEEPER_DATA_DIR?"),
    ],
)
def test_a_wrong_setting_is_told_in_plain_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"LEADKEEPER_{name}", value)

    assert words in terminal.run("config").output


def test_nothing_is_suggested_for_a_name_like_no_other(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_XYZ", "1")

    assert "did you mean" not in terminal.run("config").output


def test_a_long_value_is_whole_in_a_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://" + "long." * 20 + "example.com"
    monkeypatch.setenv("LEADKEEPER_PUBLIC_URL", address)

    assert address in terminal.run("config").output
