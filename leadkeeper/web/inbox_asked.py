"""What the inbox's address asks for: a view, a search, a place in the list; every link of the page is made from it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlencode

from leadkeeper.channels.storable import storable_text
from leadkeeper.crm.inbox import VIEWS

PATH = "/inbox"
FIRST = "needs_human"
"""The view the inbox opens with."""
SHOWN_VIEWS = ("needs_human", "mine", "unassigned", "ai", "unanswered", "all", "closed")
"""Views in the order of their tabs."""

_NAMES = {"view": "view", "search": "q", "after": "next", "before": "before", "pane": "pane"}


@dataclass(frozen=True, slots=True)
class Asked:
    """`after` is a place in the list, `before` a message older ones are wanted of; `pane` is lead or thread (narrow screens)."""

    view: str = ""
    search: str = ""
    after: str = ""
    before: int | None = None
    pane: str = ""

    def query(self, **change: object) -> str:
        """The query of a link: these wishes with some of them changed; empty ones are left out."""
        values = asdict(replace(self, **change))  # type: ignore[arg-type]
        given = {name: values[field] for field, name in _NAMES.items() if values[field] not in ("", None)}
        return f"?{urlencode(given)}" if given else ""

    def listed(self, **change: object) -> str:
        """The address of the list alone."""
        return PATH + self.query(before=None, pane="", **change)

    def thread(self, conversation_id: int, **change: object) -> str:
        """The address of a conversation beside this list."""
        return f"{PATH}/{conversation_id}" + self.query(**({"before": None, "pane": ""} | change))


def of(given: Mapping[str, str]) -> Asked:
    """What a query asks for; words nobody knows are as if they had not been said."""
    view, before = given.get("view", ""), given.get("before", "")
    return Asked(
        view=view if view in VIEWS else "",
        search=storable_text(given.get("q", "")).strip()[:200],
        after=given.get("next", "")[:40],
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        pane="lead" if given.get("pane") == "lead" else "",
    )
