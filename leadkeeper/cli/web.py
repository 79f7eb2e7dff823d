"""`leadkeeper web`: the web server alone, for installations with several machines."""

import typer


def web() -> None:
    """Run the web server alone; refuses a database of another schema.

    Run `leadkeeper worker` beside it, on this machine or another one. Example: leadkeeper web
    """
    from leadkeeper import config, logs
    from leadkeeper.cli.listening import listen
    from leadkeeper.cli.opening import missing_file
    from leadkeeper.cli.parts import Parts
    from leadkeeper.cli.serve import serve

    settings = config.load()
    missing_file(settings)
    logs.set_up(settings.log_format)
    listener = listen(settings.host, settings.port)
    if settings.port == 0:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    serve(
        listener,
        lambda: Parts.load(settings, web=True, worker=False, upgrade=False),
        lambda parts: typer.echo(f"serving on {parts.settings.origin}"),
    )
