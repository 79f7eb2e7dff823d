"""How the command line behaves as a whole: help, version, errors as sentences."""

import sys

import click
import pytest
import typer

from leadkeeper import __version__
from leadkeeper.cli import main as entry
from leadkeeper.errors import Misconfigured
from tests.cli.conftest import Terminal


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name."""
    found: list[tuple[str, click.Command]] = []

    def walk(name: str, command: object) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append((name, command))  # type: ignore[arg-type]
        for part, each in (inner or {}).items():
            walk(f"{name} {part}", each)

    walk("leadkeeper", typer.main.get_command(entry.app))
    return found


def test_every_command_named_in_the_plan_is_there() -> None:
    names = {name.removeprefix("leadkeeper ") for name, _ in commands()}

    assert names >= {"up", "web", "worker", "migrate", "config", "doctor", "simulator", "prove", "bench"}
    assert names >= {f"user {act}" for act in ("add", "list", "disable", "enable", "password", "role")}
    assert names >= {f"jobs {act}" for act in ("list", "retry", "cancel")}


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_every_commands_help_holds_an_example(name: str, command: click.Command) -> None:
    assert f"{name} " in f"{command.help} "
    assert "Example:" in (command.help or "")


def test_the_version_is_printed(terminal: Terminal) -> None:
    assert terminal.lines("--version") == [f"leadkeeper {__version__}"]


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["leadkeeper", *arguments])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return int(str(ended.value.code))


def test_an_error_of_ours_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("LEADKEEPER_PROT", "1")

    assert run_main(monkeypatch, "migrate") == 1

    assert capsys.readouterr().err == "✗ LEADKEEPER_PROT is not a setting; did you mean LEADKEEPER_PORT?\n"


def test_with_debug_the_error_shows_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_PROT", "1")
    monkeypatch.setattr(sys, "argv", ["leadkeeper", "--debug", "migrate"])

    with pytest.raises(Misconfigured):
        entry.main()


def test_a_fault_of_the_program_is_no_bare_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(entry, "app", broken)

    assert run_main(monkeypatch) == 1

    told = capsys.readouterr().err
    assert "ZeroDivisionError: by accident" in told
    assert "--debug" in told
    assert "Traceback" not in told


def test_an_interrupt_ends_with_its_usual_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "app", interrupted)

    assert run_main(monkeypatch) == 130


def test_a_command_that_went_well_ends_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "app", lambda **_: None)

    assert run_main(monkeypatch) == 0


def test_help_and_errors_name_the_command_as_people_type_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "jobs", "retry") == 2

    assert "Usage: leadkeeper jobs retry" in capsys.readouterr().err


def test_a_database_out_of_reach_is_told_in_one_breath_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")

    assert run_main(monkeypatch, "jobs", "list") == 1

    told = capsys.readouterr().err
    assert "the database cannot be read" in told
    assert "\t" not in told
    assert "mend LEADKEEPER_DATABASE_URL" in told
