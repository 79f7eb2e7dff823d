"""`leadkeeper prove`: run the acceptance report against the real server and worker."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadkeeper.cli.bench import Engine

if TYPE_CHECKING:
    from pathlib import Path

    from leadkeeper.cli.measure.ground import Ground
    from leadkeeper.cli.proof.claim import Claim


def prove(
    db: Annotated[Engine, typer.Option(help="The database to prove it on; always a scratch one.")] = Engine.SQLITE,
    scale: Annotated[float, typer.Option(min=0.1, max=10, help="Crowds times this; 1 is what the report asks for.")] = 1.0,
) -> None:
    """Start the real server, worker and a simulated provider, and show the rows behind every promise.

    The report is written below the data folder, as Markdown and JSON; nothing of the installation is touched.
    On PostgreSQL the server of LEADKEEPER_DATABASE_URL gets a scratch database, else a private one is started.
    Exit code 1: a claim does not hold. Example: leadkeeper prove --db postgres
    """
    import os
    import signal
    import sys

    from leadkeeper import config
    from leadkeeper.cli.measure.ground import ground
    from leadkeeper.cli.proof import shown
    from leadkeeper.store import folder

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the started processes are ended on the way out
    reports = folder.ensure(config.load().data_dir / "prove")
    with ground(db, os.environ.get("LEADKEEPER_DATABASE_URL", "")) as place:
        told, path = _prove(place, db, scale, reports)
    shown.show(told, path)
    raise typer.Exit(0 if told["ok"] else 1)


def _prove(place: "Ground", db: str, scale: float, folder: "Path") -> "tuple[dict[str, Any], Path]":
    """The report and where it was written. A server that does not even start leaves its log there, too."""
    import shutil

    from leadkeeper import clock
    from leadkeeper.cli import disk
    from leadkeeper.cli.measure.figure import conditions
    from leadkeeper.cli.proof import report
    from leadkeeper.cli.proof import run as proof
    from leadkeeper.cli.proof.stage import Stage

    began, around = clock.monotonic(), conditions(db)
    with place.scratch() as (scratch, url):
        stage = Stage(scratch, url)
        try:
            found = proof.run(stage, scale, _say)
            around |= {"load after": round(disk.load(), 2), "scale": scale, "seconds": round(clock.monotonic() - began, 1)}
            told = report.as_json(found, around)
            path = report.write(folder, told, clock.now())
            if db == Engine.SQLITE:
                proof.keep_rows(stage, folder / report.ROWS)
            if not found.holds:
                shutil.copy(stage.log, path.with_suffix(".log"))
        except Exception:
            shutil.copy(stage.log, folder / "server.log")
            typer.secho(f"The server's log: {folder / 'server.log'}", err=True)
            raise
        finally:
            stage.close()
    return told, path


def _say(claim: "Claim") -> None:
    """A line for each claim as it ends: two minutes are long without a word."""
    mark, colour = ("✓", "green") if claim.holds else ("✗", "red")
    typer.secho(f"{mark} ", fg=colour, nl=False)
    typer.echo(f"{claim.number}. {claim.title:<58} {claim.seconds:6.1f} s")
