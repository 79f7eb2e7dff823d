"""How a fault's command is written: its options, the ground it runs on, and how it ends."""

from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.cli.bench import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadkeeper.cli.faults.trial import Trial
    from leadkeeper.cli.measure.ground import Ground

Db = Annotated[Engine, typer.Option(help="The database to break; always a scratch one.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a sentence.")]
Seed = Annotated[int, typer.Option(help="What is drawn by lot follows from this number.")]


def on_ground(trial: "Trial", run: "Callable[[Ground], None]", as_json: bool) -> None:
    """Run a fault on scratch databases and tell what came of it."""
    import os

    from leadkeeper.cli.measure.ground import ground

    def grounded() -> None:
        with ground(trial.db, os.environ.get("LEADKEEPER_DATABASE_URL", "")) as place:
            run(place)

    tell(trial, grounded, as_json)


def tell(trial: "Trial", run: "Callable[[], None]", as_json: bool) -> None:
    """Run a fault and tell what came of it; exit code 1 when it did not hold."""
    import signal
    import sys

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended on the way out
    run()
    trial.show(as_json)
    raise typer.Exit(not trial.holds)
