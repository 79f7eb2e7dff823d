"""`leadkeeper web`: the web server alone, for installations with several machines."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from leadkeeper.cli.parts import Parts


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
    serve(listener, lambda: Parts.load(settings, web=True, worker=False, upgrade=False), _announce)


def _announce(parts: "Parts") -> None:
    from leadkeeper.access import login

    token = login.invite(parts.db)
    typer.echo(f"serving on {parts.settings.origin}")
    if token is not None:
        typer.echo(f"first owner, once, within 30 minutes: {parts.settings.origin}/setup?token={token}")
