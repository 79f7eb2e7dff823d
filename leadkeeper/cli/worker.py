"""`leadkeeper worker`: a worker alone, for installations with several machines."""

import typer


def worker() -> None:
    """Run a worker alone until it is stopped; refuses a database of another schema.

    Example: leadkeeper worker
    """
    from leadkeeper import config, logs
    from leadkeeper.cli.opening import missing_file
    from leadkeeper.cli.parts import Parts
    from leadkeeper.cli.serve import work

    settings = config.load()
    missing_file(settings)
    logs.set_up(settings.log_format)
    work(
        lambda: Parts.load(settings, web=False, worker=True, upgrade=False),
        lambda parts: typer.echo("working; Ctrl+C lets running jobs end and stops"),
    )
