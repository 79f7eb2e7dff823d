"""`leadkeeper simulator`: a provider shaped like Meta's Graph API, in its own process."""

from typing import Annotated

import typer

from leadkeeper.errors import Misconfigured


def simulator(
    host: Annotated[str, typer.Option(help="Address it listens on. Its control is open to whoever reaches it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port it listens on; 0: any free one.")] = 0,
    target: Annotated[str, typer.Option(help="Where its webhooks go.")] = "http://127.0.0.1:8000/api/webhooks/whatsapp",
    phone_number_id: Annotated[str, typer.Option(help="Connects a number; more can follow over /sim/accounts.")] = "",
    token: Annotated[str, typer.Option(help="Access token of that number.")] = "",
    app_secret: Annotated[str, typer.Option(help="Signs its webhooks.")] = "",
) -> None:
    """Run a simulated WhatsApp; prints its address as a line of JSON.

    Example: leadkeeper simulator --port 9100 --phone-number-id 1001 --token secret --app-secret secret
    """
    from leadkeeper.simulator.serve import run
    from leadkeeper.simulator.state import SimAccount

    accounts = []
    if phone_number_id:
        if not (token and app_secret):
            raise Misconfigured("--phone-number-id needs --token and --app-secret")
        accounts.append(SimAccount(phone_number_id, token, app_secret, target))
    try:
        run(accounts, host, port)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another --port; 0 takes a free one"
        ) from error
