"""Our own payloads of every kind, one file each, in tests/fixtures/whatsapp."""

import json
from pathlib import Path
from typing import Any

from leadkeeper.channels.base import Event, Inbound
from leadkeeper.channels.whatsapp import parse, receive

FOLDER = Path(__file__).parents[2] / "fixtures" / "whatsapp"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

NUMBER = "301122334455667"
BUSINESS = "410022003300440"
CUSTOMER = "971501234567"
BSUID = "AE.7Q2xK9mB4tLwPz"


def payload(name: str) -> dict[str, Any]:
    """The delivery of one fixture."""
    body: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return body


def event(name: str) -> Event:
    """The only event of a fixture."""
    [found] = receive(payload(name)).events
    return found


def understood(name: str) -> Inbound:
    """The only event of a fixture, parsed."""
    found = event(name)
    return parse(found.kind, found.payload)
