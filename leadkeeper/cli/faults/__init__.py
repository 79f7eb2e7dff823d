"""`leadkeeper faults`: break it on purpose, thousands of times, and look whether anything is lost, doubled or stuck.

Development commands; each fault is one file of this folder, and the tests call the same functions.
"""

from typing import Annotated

import typer

from leadkeeper.cli.bench import Engine
from leadkeeper.cli.faults import outages
from leadkeeper.cli.faults.telling import AsJson, Db, Seed, on_ground, tell

app = typer.Typer(help="Break it on purpose, and look whether anything is lost, doubled or stuck.", no_args_is_help=True)
app.add_typer(outages.app)


@app.command("crashpoints")
def _crashpoints(
    db: Db = Engine.SQLITE,
    kills: Annotated[int | None, typer.Option(min=1, help="How often; 10,000 on SQLite, 2,000 on PostgreSQL.")] = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Kill -9 at every labelled place between a webhook and its receipt, and go on from what is left.

    Exit code 1 when something is found. Example: leadkeeper faults crashpoints --db postgres --kills 200
    """
    import os

    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would be there before the first fork
    from leadkeeper.cli.faults import crashpoints as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("crashpoints", db, kills or {Engine.SQLITE: 10_000, Engine.POSTGRES: 2_000}[db])
    on_ground(trial, lambda ground: fault.run(trial, ground, seed), as_json)


@app.command("restores")
def _restores(
    db: Db = Engine.SQLITE,
    every: Annotated[int, typer.Option(min=1, help="Kill at one in so many places only.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Kill -9 at every labelled place of `leadkeeper restore`, look at what is left, and run it again.

    Exit code 1 when something is found. Example: leadkeeper faults restores --db postgres
    """
    import os

    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would be there before the first fork
    from leadkeeper.cli.faults import restores as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("restores", db, 0)
    on_ground(trial, lambda ground: fault.run(trial, ground, every), as_json)


@app.command("provider")
def _provider(
    db: Db = Engine.SQLITE,
    sends: Annotated[int, typer.Option(min=1, help="How many messages.")] = 200_000,
    bad: Annotated[float, typer.Option(min=0, max=1, help="Share of the answers that are faulty.")] = 0.2,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Send through a provider that refuses, hangs up, keeps silent or talks nonsense, before or after taking a message.

    Exit code 1 when one is sent twice or does not come to its end. Example: leadkeeper faults provider --sends 5000
    """
    from leadkeeper.cli.faults import provider as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("provider", db, sends)
    on_ground(trial, lambda ground: fault.run(trial, ground, seed, bad), as_json)


@app.command("kills")
def _kills(
    db: Db = Engine.SQLITE,
    kills: Annotated[int, typer.Option(min=1, help="How often.")] = 200,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Kill -9 the whole server, three workers and the web, under load and at any moment, and start it again.

    Exit code 1 when something is found. Example: leadkeeper faults kills --db postgres --kills 20
    """
    from leadkeeper.cli.faults import kills as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("kills", db, kills)
    on_ground(trial, lambda ground: fault.run(trial, ground, seed), as_json)


@app.command("stalls")
def _stalls(
    db: Db = Engine.SQLITE,
    rounds: Annotated[int, typer.Option(min=1, help="How often.")] = 500,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Stop a worker until its lease has run out and another has taken over, then let it go on.

    Exit code 1 when something is found. Example: leadkeeper faults stalls --db postgres --rounds 20
    """
    import os

    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would be there before the first fork
    from leadkeeper.cli.faults import stalls as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("stalls", db, rounds)
    on_ground(trial, lambda ground: fault.run(trial, ground, seed), as_json)


@app.command("simulation")
def _simulation(
    seeds: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 10_000,
    seed: Seed = 1,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the workers in each world.")] = 200,
    trace: Annotated[bool, typer.Option("--trace", help="Tell what happens in each world.")] = False,
    as_json: AsJson = False,
) -> None:
    """Live through worlds where clock, network, model and disk go wrong, each as its number will have it.

    Exit code 1 when something is found; its seed replays it. Example: leadkeeper faults simulation --seeds 1 --seed 4711 --trace
    """
    import os
    import sys

    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of a set must follow from the seed, too
        os.execve(sys.executable, [sys.executable, "-m", "leadkeeper", *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from leadkeeper.cli.faults import simulation as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("simulation", Engine.SQLITE, seeds)
    on_ground(trial, lambda ground: fault.run(trial, ground, seed, steps, _whisper if trace else None), as_json)


@app.command("sabotage")
def _sabotage(as_json: AsJson = False) -> None:
    """Take every safeguard away in turn and see that a test, or a trial, goes red without it. In a checkout only.

    Exit code 1 when one is not missed. Example: leadkeeper faults sabotage
    """
    from leadkeeper.cli.faults import sabotage as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("sabotage", Engine.SQLITE, 0)
    tell(trial, lambda: fault.run(trial), as_json)


@app.command("all")
def _all(
    as_json: AsJson = False,
) -> None:
    """Every fault on every database it knows, one after the other, in its long form: an hour or more.

    Exit code: how many have found something. Example: leadkeeper faults all --json
    """
    import inspect
    import subprocess
    import sys

    failed = 0
    for command in [*app.registered_commands, *outages.app.registered_commands]:
        if command.callback is None or command.name == "all":
            continue
        takes_db = "db" in inspect.signature(command.callback).parameters
        for where in [["--db", engine] for engine in Engine] if takes_db else [[]]:
            called = [sys.executable, "-m", "leadkeeper", "faults", str(command.name), *where, *(["--json"] if as_json else [])]
            failed += subprocess.run(called, stdin=subprocess.DEVNULL, check=False).returncode != 0  # noqa: S603 - ourselves
    raise typer.Exit(failed)


def _whisper(line: str) -> None:
    typer.echo(line, err=True)
