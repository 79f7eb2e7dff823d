"""What was said and done outside the database, in a file that outlives every kill.

Posts and their 200s, the calls the provider got and the messages it took, what was found after a
death: each one line, written before the next thing happens. Rows are judged against it.
"""

import json
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leadkeeper.simulator.log import Log


class Journal(Log):
    """The log of the simulated provider, and of the customers: read back whole by the next process that opens it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.posted: dict[str, dict[str, str]] = {}
        """By the provider's id of the message: who wrote it, in which story, and the body."""
        self.acknowledged: set[str] = set()
        self.sends: dict[str, dict[str, str]] = {}
        """By token: the recipient, what came of the call, the provider's id if it was taken."""
        self.tried: Counter[str] = Counter()
        """Calls by recipient."""
        self.found: set[str] = set()
        """Tokens of messages that stood in `sending` when their process was dead."""
        self.reported: set[str] = set()
        """Tokens whose delivery the provider has reported, and was answered 200."""
        self.reporting: set[str] = set()
        """The same, and those whose report may have come in without being answered."""
        self.reached: defaultdict[str, list[str]] = defaultdict(list)
        """Tokens of taken messages by recipient."""
        self.callers: dict[str, int] = {}
        """The process that called the provider last with a token."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._known_bytes = 0
        self._reading = threading.Lock()
        self.refresh()

    def post(self, wamid: str, sender: str, story: str, body: bytes) -> None:
        """A customer's message is about to be posted."""
        self._keep({"kind": "post", "wamid": wamid, "sender": sender, "story": story, "body": body.decode()})

    def acknowledge(self, wamid: str) -> None:
        """It was answered 200."""
        self._keep({"kind": "acknowledge", "wamid": wamid})

    def find(self, token: str) -> None:
        """A dead process has left this attempt in `sending`."""
        self._keep({"kind": "find", "token": token})

    def begin_report(self, token: str) -> None:
        """The status of this token is about to be posted."""
        self._keep({"kind": "begin_report", "token": token})

    def report(self, token: str) -> None:
        """The status webhook of this token was answered 200."""
        self._keep({"kind": "report", "token": token})

    def call(self, token: str) -> None:
        """The provider is called with this token, by this process."""
        self._keep({"kind": "call", "token": token, "by": str(os.getpid())})

    def take(self, token: str) -> None:
        """The provider has taken the message of this token."""
        self._keep({"kind": "take", "token": token})

    def add(self, kind: str, **data: Any) -> None:
        """An entry of the provider's own log; of sends, what came of the call."""
        super().add(kind, **data)
        if kind == "send" and "token" in data:
            kept = {name: data[name] or "" for name in ("token", "to", "outcome", "wamid")}
            self._keep({"kind": "send", **kept})

    @property
    def unacknowledged(self) -> list[tuple[str, bytes]]:
        """(provider's id, body) of what is posted again, oldest first."""
        waiting = ((wamid, post["body"].encode()) for wamid, post in self.posted.items() if wamid not in self.acknowledged)
        return list(waiting)

    @property
    def unreported(self) -> list[tuple[str, str, str]]:
        """(token, provider's id, recipient) of taken messages whose status is still to come."""
        waiting = ((token, send) for token, send in list(self.sends.items()) if send["wamid"] and token not in self.reported)
        return [(token, send["wamid"], send["to"]) for token, send in waiting]

    def refresh(self) -> None:
        """Know what other processes have written meanwhile."""
        with self._reading:  # customers and the provider write in different threads
            new = os.pread(self._file, os.fstat(self._file).st_size - self._known_bytes, self._known_bytes)
            whole = new[: new.rfind(b"\n") + 1]
            self._known_bytes += len(whole)
            for line in whole.splitlines():
                self._remember(json.loads(line))

    def _keep(self, entry: Mapping[str, str]) -> None:
        os.write(self._file, json.dumps(entry).encode() + b"\n")
        self.refresh()

    def _remember(self, entry: Mapping[str, str]) -> None:
        match entry:
            case {"kind": "post", "wamid": wamid}:
                self.posted[wamid] = dict(entry)
            case {"kind": "acknowledge", "wamid": wamid}:
                self.acknowledged.add(wamid)
            case {"kind": "find", "token": token}:
                self.found.add(token)
            case {"kind": "begin_report", "token": token}:
                self.reporting.add(token)
            case {"kind": "report", "token": token}:
                self.reported.add(token)
            case {"kind": "call", "token": token, "by": by}:
                self.calls[token] += 1
                self.callers[token] = int(by)
            case {"kind": "take", "token": token}:
                self.taken[token] += 1
            case {"kind": "send", "token": token, "to": to}:
                self.sends[token] = dict(entry)
                self.tried[to] += 1
                if entry["wamid"]:
                    self.reached[to].append(token)
