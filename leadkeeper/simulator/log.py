"""What happened at the provider: the last entries in full, and counts of everything, for ever."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any

from leadkeeper import clock

KEPT = 20_000
"""Entries kept in full; the counts go on."""


class Log:
    """Entries are plain objects with `seq`, `at` (seconds since 1970) and `kind`."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=kept)
        self._seq = 0
        self.since = clock.now()
        self.heard: dict[str, Counter[str]] = {}
        self.totals: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.taken: Counter[str] = Counter()

    def add(self, kind: str, **data: Any) -> None:
        """Add one entry and count its kind."""
        self._seq += 1
        self.totals[kind] += 1
        self._entries.append({"seq": self._seq, "at": clock.now().timestamp(), "kind": kind, **data})

    def call(self, token: str) -> None:
        """Count a call that carried this token."""
        self.calls[token] += 1

    def hear(self, account: str, token: str) -> None:
        """Count it for the number it came from, too."""
        self.heard.setdefault(account, Counter())[token] += 1

    def heard_of(self, account: str) -> Mapping[str, Any]:
        """How often each token of a number was called since this log began: what an audit lays beside the rows."""
        return {"since": clock.iso(self.since), "calls": dict(self.heard.get(account, {}))}

    def take(self, token: str) -> None:
        """Count a message of this token that reached its recipient."""
        self.taken[token] += 1

    def entries(self, after: int = 0, kind: str | None = None, to: str | None = None, limit: int = 1_000) -> list[dict[str, Any]]:
        """Entries newer than `after`, oldest first."""
        found = (one for one in self._newer(after) if kind in (None, one["kind"]) and to in (None, one.get("to")))
        return [one for one, _ in zip(found, range(limit), strict=False)]

    def counts(self) -> Mapping[str, Any]:
        """Totals by kind, and over tokens: how many there were, and those called or taken more than once."""
        return {
            "totals": dict(self.totals),
            "tokens": len(self.calls),
            "taken": sum(self.taken.values()),
            "calledTwice": {token: number for token, number in self.calls.items() if number > 1},
            "takenTwice": {token: number for token, number in self.taken.items() if number > 1},
        }

    def _newer(self, after: int) -> Iterator[dict[str, Any]]:
        behind = self._seq - after
        start = max(len(self._entries) - behind, 0)
        return (one for place, one in enumerate(self._entries) if place >= start)
