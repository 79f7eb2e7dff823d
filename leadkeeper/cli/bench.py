"""`leadkeeper bench`: how fast this machine does the main job, with everything on."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leadkeeper.cli.measure.figure import Figure
    from leadkeeper.cli.measure.ground import Ground

    Measure = Callable[[Ground, float], Sequence[Figure]]


class Name(StrEnum):
    """The benches."""

    QUEUE = "queue"
    INGEST = "ingest"
    PICKUP = "pickup"
    FLOW = "flow"
    CLAIM = "claim"
    MODELS = "models"
    SOAK = "soak"
    SNAPSHOT = "snapshot"


LONG = (Name.SOAK, Name.SNAPSHOT)


class Engine(StrEnum):
    """The databases."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


def bench(
    name: Annotated[Name | None, typer.Argument(help="Which one; all but soak and snapshot when none is named.")] = None,
    db: Annotated[Engine, typer.Option(help="The database to measure on; always a scratch one.")] = Engine.SQLITE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a table.")] = False,
    rounds: Annotated[int, typer.Option(min=1, max=9, help="Rounds; the median counts.")] = 3,
    jobs: Annotated[
        int | None, typer.Option(min=1_000, help="Jobs of soak and snapshot; 5,000,000 by default, in one round.")
    ] = None,
    scale: Annotated[float, typer.Option(min=0.001, max=10, help="Loads times this.")] = 1.0,
) -> None:
    """Measure throughput, latency and memory on scratch databases, with the conditions beside the figures.

    Example: leadkeeper bench flow --db postgres --json
    """
    import os
    import signal
    import sys

    from leadkeeper.cli.measure.figure import as_line, conditions, merged, show
    from leadkeeper.cli.measure.ground import ground
    from leadkeeper.cli.measure.soak import JOBS

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the started servers are ended on the way out
    shown: list[Figure] = []
    around = conditions(db)
    with ground(db, os.environ.get("LEADKEEPER_DATABASE_URL", "")) as place:
        for each in [name] if name else [each for each in Name if each not in LONG]:
            around = conditions(db)
            measure = _measures()[each]
            much = jobs / JOBS if each in LONG and jobs else scale
            found = merged([measure(place, much) for _ in range(1 if each in LONG else rounds)])
            shown += found
            for figure in found if as_json else []:
                typer.echo(as_line(figure, around))
    if not as_json:
        show(shown, around)


def _measures() -> Mapping[Name, "Measure"]:
    from leadkeeper.cli.measure import claims, drain, flow, ingest, models, pickup, snapshot, soak

    return {
        Name.QUEUE: drain.measure,
        Name.INGEST: ingest.measure,
        Name.PICKUP: pickup.measure,
        Name.FLOW: flow.measure,
        Name.CLAIM: claims.measure,
        Name.MODELS: models.measure,
        Name.SOAK: soak.measure,
        Name.SNAPSHOT: snapshot.measure,
    }
