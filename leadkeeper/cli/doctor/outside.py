"""What is outside: channels and their credentials, the model, the address providers reach us at."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper.cli.doctor.findings import Finding, Patient, broken, fine, look
from leadkeeper.crm.circuit import of_json
from leadkeeper.errors import Misconfigured
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import channel_accounts

WHATSAPP_ENVIRONMENT = ("phone_number_id", "token", "app_secret", "verify_token")
NEEDED = {"whatsapp": ("token", "app_secret", "verify_token")}
"""Credentials a channel cannot live without; the app secret is what webhooks are verified with."""


def environment(patient: Patient) -> Iterator[Finding]:
    """A WhatsApp number given by the environment is given whole."""
    given = {name: bool(_plain(getattr(patient.settings, f"whatsapp_{name}"))) for name in WHATSAPP_ENVIRONMENT}
    if not any(given.values()):
        return
    missing = ", ".join(f"LEADKEEPER_WHATSAPP_{name.upper()}" for name, there in given.items() if not there)
    if missing:
        yield broken(
            "WhatsApp by environment",
            f"{missing} not set",
            "half a connection is none: its webhooks answer 403",
            f"set {missing}",
        )
    else:
        yield fine("WhatsApp by environment", "number, token, app secret and verify token are set")


def accounts(patient: Patient) -> Iterator[Finding]:
    """Every connected account has its credentials and is not halted."""
    if patient.db is None:
        return
    rows = patient.db.read_now(_accounts)
    outside = [row for row in rows if row.channel in NEEDED]
    if not outside:
        yield look(
            "channels", "no provider is connected", "only the web chat and the simulator can write", "connect one on /channels"
        )
    for row in outside:
        yield _account(patient, row)


def _accounts(conn: Connection) -> list[Row]:
    return list(conn.execute(select(channel_accounts).where(channel_accounts.c.state != "off").order_by(channel_accounts.c.id)))


def _account(patient: Patient, row: Row) -> Finding:
    about = f"{row.channel} {row.name or row.external_id}"
    if row.state == "halted":
        return broken(
            about,
            f"halted: {row.halted_reason}",
            "its messages wait, none is lost",
            "mend the cause, then press Resume on /channels",
        )
    rests = of_json(row.circuit)
    if rests is not None and rests.until is not None:
        return look(
            about,
            f"paused: the provider did not answer {rests.failures} times in a row, next try {rests.until:%H:%M:%S} UTC",
            f"its messages wait, none is lost; last error: {row.last_error or 'none'}",
            "see whether this machine reaches the provider (network, firewall, its status page); Try now is on /channels",
        )
    try:
        secrets = SecretBox.open(patient.settings.data_dir).unseal(row.secrets) if row.secrets else {}
    except Misconfigured as error:
        return broken(
            about,
            error.message,
            "nothing can be sent or verified",
            "restore secret.key, or enter the credentials again on /channels",
        )
    missing = [name for name in NEEDED[row.channel] if not secrets.get(name)]
    if missing and row.source != "environment":
        return broken(about, f"{', '.join(missing)} missing", "nothing can be sent or verified", "enter it on /channels")
    last = f"last message {row.last_inbound_at:%Y-%m-%d %H:%M} UTC" if row.last_inbound_at else "nothing came in yet"
    return fine(about, f"credentials set, {last}")


def model(patient: Patient) -> Iterator[Finding]:
    """The model is configured whole, or not at all."""
    settings = patient.settings
    if settings.ai_url and settings.ai_model:
        yield fine("AI", f"{settings.ai_model} at {settings.ai_url}")
    elif settings.ai_url or settings.ai_model:
        missing = "LEADKEEPER_AI_MODEL" if settings.ai_url else "LEADKEEPER_AI_URL"
        yield broken("AI", f"{missing} not set", "answers stay verbatim quotations until it is whole", f"set {missing}")
    else:
        yield fine("AI", "no model: answers are quoted word for word from your documents")


def public_address(patient: Patient) -> Iterator[Finding]:
    """Providers can reach us over https."""
    url = patient.settings.public_url
    cause = "providers deliver only to a public https address"
    if not url:
        yield look(
            "public address", f"not set; pages are at {patient.settings.origin}", cause, "set LEADKEEPER_PUBLIC_URL=https://..."
        )
    elif not patient.settings.secure:
        yield look("public address", url, cause, "put a reverse proxy with https in front and set LEADKEEPER_PUBLIC_URL")
    else:
        yield fine("public address", f"{url} (to try it from outside, open {url}/healthz on a phone without Wi-Fi)")


def _plain(value: Any) -> str:
    return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)


CHECKS = (environment, accounts, model, public_address)
