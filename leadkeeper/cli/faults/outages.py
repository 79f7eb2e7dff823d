"""Commands that take something away from the product: its database, its disk, its clock, its peace."""

from typing import Annotated

import typer

from leadkeeper.cli.bench import Engine
from leadkeeper.cli.faults.telling import AsJson, Db, Seed, on_ground, tell

app = typer.Typer()


@app.command("dbrestart")
def _dbrestart(
    jobs: Annotated[int, typer.Option(min=1, help="How many jobs are to be done meanwhile.")] = 20_000,
    a_second: Annotated[float, typer.Option(min=0.1, help="How many customers write in a second.")] = 25,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Stop a PostgreSQL server of our own every 5 to 40 seconds, under load, in good order or by a crash.

    Exit code 1 when something is found. Example: leadkeeper faults dbrestart --jobs 2000
    """
    from leadkeeper.cli.faults import dbrestart as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("dbrestart", Engine.POSTGRES, jobs)
    tell(trial, lambda: fault.run(trial, seed, a_second), as_json)


@app.command("failover")
def _failover(
    rounds: Annotated[int, typer.Option(min=1, help="How many primaries are killed.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Kill the primary of two PostgreSQL servers of our own, promote its synchronous standby, and go on.

    Exit code 1 when an acknowledged message is missing, or none is taken for 2 s. Example: leadkeeper faults failover --rounds 2
    """
    from leadkeeper.cli.faults import failover as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("failover", Engine.POSTGRES, rounds)
    tell(trial, lambda: fault.run(trial), as_json)


@app.command("clock")
def _clock(
    db: Db = Engine.SQLITE,
    rounds: Annotated[int, typer.Option(min=1, help="How often the clock jumps there and back.")] = 20,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Set the product's clock an hour forward and back (never the machine's), under two workers at work.

    Exit code 1 when a lease was stolen, or a timer came twice, early or never. Example: leadkeeper faults clock --rounds 2
    """
    from leadkeeper.cli.faults import clockjumps as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("clock", db, rounds)
    on_ground(trial, lambda ground: fault.run(trial, ground, seed), as_json)


@app.command("poison")
def _poison(
    db: Db = Engine.SQLITE,
    jobs: Annotated[
        int, typer.Option(min=100, help="How many jobs a round of the throughput has; one in twenty is poison.")
    ] = 20_000,
    seconds: Annotated[float, typer.Option(min=1, help="How long the embedded worker is blocked.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Run jobs that raise, hang, or block the worker's own thread, and look what the others and the webhooks lose.

    Exit code 1 when it is more than they may. Example: leadkeeper faults poison --jobs 5000 --seconds 10
    """
    from leadkeeper.cli.faults import poison as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("poison", db, jobs)
    on_ground(trial, lambda ground: fault.run(trial, ground, seconds), as_json)


@app.command("diskfull")
def _diskfull(
    db: Db = Engine.SQLITE,
    cycles: Annotated[int, typer.Option(min=1, help="How often the disk is filled.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Fill a small disk to the last byte under load, and make room again. Only root may mount one.

    Exit code 1 when something is lost, or does not go on by itself. Example: sudo leadkeeper faults diskfull --cycles 2
    """
    from leadkeeper.cli.faults import diskfull as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("diskfull", db, cycles)
    tell(trial, lambda: fault.run(trial, str(db)), as_json)


@app.command("killers")
def _killers(
    db: Db = Engine.SQLITE,
    jobs: Annotated[int, typer.Option(min=1, help="How many jobs that kill their process.")] = 10,
    within: Annotated[float, typer.Option(min=0.1, help="Seconds after which the process must be back.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Run jobs that end their whole process until they are failed for it: web server included, then in a worker apart.

    Exit code 1 when a neighbour fails with one, or the process is away too long. Example: leadkeeper faults killers --jobs 2
    """
    from leadkeeper.cli.faults import killers as fault
    from leadkeeper.cli.faults.trial import Trial

    trial = Trial("killers", db, jobs)
    on_ground(trial, lambda ground: fault.both(trial, ground, within), as_json)
