"""Secrets of a form that is shown again: sealed, so that they need not be typed twice and are never readable in a page."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from leadkeeper import clock
from leadkeeper.errors import Misconfigured
from leadkeeper.secretbox import SecretBox
from leadkeeper.web.forms import Form

FIELD = "sealed"
FOR_SECONDS = timedelta(minutes=30).total_seconds()


def keep(box: SecretBox, purpose: str, secrets: Mapping[str, str]) -> str:
    """What the hidden field of the form holds; good for half an hour and for this purpose alone."""
    given = {name: value for name, value in secrets.items() if value}
    until = clock.now().timestamp() + FOR_SECONDS
    return box.seal({"form": purpose, "until": until, "secrets": given}).decode() if given else ""


def restore(box: SecretBox, purpose: str, form: Form, names: Sequence[str]) -> dict[str, str]:
    """The secrets of the form: what was typed, else what was sealed before; empty where there is neither."""
    before = _opened(box, purpose, form.values.pop(FIELD, ""))
    return {name: form.text(name, longest=4000, required=False) or before.get(name, "") for name in names}


def _opened(box: SecretBox, purpose: str, sealed: str) -> dict[str, str]:
    if not sealed:
        return {}
    try:
        held = box.unseal(sealed.encode())
    except Misconfigured:
        return {}  # not ours, or from before a change of keys: the fields are simply empty
    good = isinstance(held, dict) and held.get("form") == purpose and held.get("until", 0) > clock.now().timestamp()
    return dict(held["secrets"]) if good else {}
