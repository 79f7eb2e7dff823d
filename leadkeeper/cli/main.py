"""The command `leadkeeper`: its parts, and how an error looks to a person."""

import sys
from typing import Annotated, NoReturn

import typer

from leadkeeper import __version__
from leadkeeper.cli import (
    audit,
    backup,
    bench,
    config,
    doctor,
    faults,
    jobs,
    migrate,
    prove,
    restore,
    simulator,
    up,
    user,
    web,
    worker,
)  # fmt: skip
from leadkeeper.errors import Damaged, LeadkeeperError, Unavailable

app = typer.Typer(
    name="leadkeeper",
    help="Answers the people who write to a small business, day and night, and proves it from rows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(up.up)
app.command("web")(web.web)
app.command("worker")(worker.worker)
app.command("migrate")(migrate.migrate)
app.add_typer(user.app, name="user")
app.add_typer(jobs.app, name="jobs")
app.command("config")(config.config)
app.command("doctor")(doctor.doctor)
app.command("simulator")(simulator.simulator)
app.command("audit")(audit.audit)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("prove")(prove.prove)
app.command("bench")(bench.bench)
app.add_typer(faults.app, name="faults")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"leadkeeper {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """What every command understands.

    Example: leadkeeper --debug migrate
    """


def main() -> NoReturn:
    """Run a command and exit with its code; an error is a sentence, with `--debug` also a traceback."""
    try:
        app(prog_name="leadkeeper")
    except Damaged as error:
        _fail(error.message, error)
    except Unavailable as error:
        _fail(
            f"{error.message}\n  Start the database server, or mend LEADKEEPER_DATABASE_URL; `leadkeeper doctor` says more.",
            error,
        )
    except LeadkeeperError as error:
        _fail(error.message, error)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error}\nThis is a fault of the program. Run the command again with --debug.", error)
    sys.exit(0)


def _fail(message: str, error: BaseException) -> NoReturn:
    if "--debug" in sys.argv:
        raise error
    typer.secho("✗ " + message, fg="red", err=True)
    sys.exit(1)
