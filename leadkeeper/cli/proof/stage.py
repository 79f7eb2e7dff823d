"""The real programs on a scratch database: server and worker in one process group, the provider in another.

The provider outlives them: what it has heard is the other half of the evidence. Rows are read from
the database itself, by a connection of our own.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.cli.proof.ledger import Call, Ledger, Person, calls_of
from leadkeeper.errors import Unavailable
from leadkeeper.store.database import Database

R = TypeVar("R")

EMAIL = "owner@prove.example"
NUMBER = "100000000000001"
READY_SECONDS = 60.0
"""Patience with a start on a loaded machine; how long it took is measured."""
_PASSED_ON = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")


class Stage:
    """Everything the claims act on. `settings` are the server's, `noted` what else differs from an ordinary start."""

    program: Sequence[str] = ("leadkeeper", "up")

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(24)
        self.secrets = {name: secrets.token_hex(16) for name in ("token", "app_secret", "verify_token", "cron")}
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.database_url = database_url
        self._server: subprocess.Popen[bytes] | None = None
        self._provider = self._start_provider()
        self.provider = httpx2.Client(base_url=self._provider_address, timeout=30)
        self.settings = self._settings()
        self.noted: dict[str, str] = {}
        self.http = httpx2.Client(base_url=self.address, timeout=30)
        self._db: Database | None = None

    def start(self, **more: str) -> float:
        """Start server and worker; returns the seconds until it answered that it is ready.

        `more`: settings for this start alone.
        """
        began = clock.monotonic()
        self.launch(**more)
        self.wait(self.ready, READY_SECONDS, "the server to be ready")
        return clock.monotonic() - began

    def launch(self, **more: str) -> None:
        """Start server and worker without waiting for them."""
        self.noted |= {f"{name} (for one start)": value for name, value in more.items()}
        environment = {name: value for name, value in os.environ.items() if name in _PASSED_ON}
        log = self.log.open("ab")
        self._server = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", *self.program],
            env={**environment, **self.settings, **more},
            cwd=self.folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        log.close()

    def kill(self) -> None:
        """kill -9 of the whole process tree: supervisor, web and worker, in that order."""
        if self._server is not None:
            tree = process_tree(self._server.pid)
            for pid in tree:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._server.wait()
            self._server = None
            self.wait(lambda: not any(map(_lives, tree)), 5, "the killed processes to be gone")

    def close(self) -> None:
        """End everything that was started."""
        self.kill()
        self._provider.kill()
        self._provider.wait()
        if self._provider.stdout:
            self._provider.stdout.close()
        self.http.close()
        self.provider.close()
        if self._db is not None:
            self._db.close()

    def ready(self) -> bool:
        """True when /readyz answers 200."""
        try:
            return self.http.get("/readyz", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def log_in(self) -> int:
        """Log in as the owner; the session's cookie stays in `http`. Returns the status."""
        answer = self.http.post("/api/auth/login", json={"email": EMAIL, "password": self.password})
        return int(answer.status_code)

    def leave(self) -> None:
        """Log out and hang up: from here on nobody is connected."""
        self.http.post("/api/auth/logout")
        self.http.close()
        self.http = httpx2.Client(base_url=self.address, timeout=30)

    def api(self, method: str, path: str, **more: Any) -> Any:
        """One JSON call that has to succeed; returns its body."""
        answer = self.http.request(method, path, **more)
        if answer.status_code >= 400:
            raise Unavailable(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def says(self, sender: str, text: str) -> None:
        """A customer writes; delivered at least once, in the background of the provider."""
        self.crowd_says([{"from": sender, "text": text}])

    def crowd_says(self, messages: Sequence[Mapping[str, str]], together: int = 20) -> None:
        """Many customers write; so many of their messages come in one webhook."""
        for start in range(0, len(messages), together):
            crowd = {"messages": list(messages[start : start + together]), "wait": False}
            self.provider.post("/sim/inbound", json=crowd).raise_for_status()

    def behave(self, **fields: Any) -> None:
        """How the provider behaves to everybody from now on."""
        self.provider.post("/sim/behaviour", json=fields).raise_for_status()
        for name, value in fields.items():
            before = self.noted.get(f"provider: {name}")
            self.noted[f"provider: {name}"] = f"{before}, then {value}" if before else str(value)

    def script(self, recipient: str, **step: Any) -> None:
        """What the provider does to the next calls for a recipient."""
        self.provider.post("/sim/script", json={"to": recipient, **step}).raise_for_status()

    def undelivered(self) -> int:
        """Webhooks of the provider that have not been taken yet."""
        return int(self.provider.get("/sim/counts").json()["pending"])

    def heard(self) -> list[Call]:
        """Every call the provider has had, oldest first."""
        return calls_of(self.provider.get("/sim/log", params={"kind": "send", "limit": 20_000}).json()["entries"])

    def ledger(self, senders: Sequence[str], read: Callable[[Connection], Mapping[str, Person]]) -> Ledger:
        """Both books of these people: the rows first, then the provider's log."""
        people = self.rows(read)
        wanted = set(senders)
        return Ledger(senders, people, [call for call in self.heard() if call.to in wanted])

    def rows(self, read: Callable[[Connection], R]) -> R:
        """Read the rows themselves."""
        if self._db is None:
            self._db = Database(self.database_url)
        return self._db.read_now(read)

    def write(self, write: Callable[[Connection], R]) -> R:
        """Change rows that no page changes; the report prints what."""
        if self._db is None:
            self._db = Database(self.database_url)
        return self._db.write_now(write)

    def wait(self, true: Callable[[], bool], seconds: float, what: str) -> float:
        """Wait until `true()`; returns the seconds it took. Raises Unavailable when it never is."""
        began = clock.monotonic()
        while not true():
            if clock.monotonic() - began > seconds:
                raise Unavailable(f"waited {seconds:g} s in vain for {what}; see the server's log")
            clock.sleep_until_tick(0.05)
        return clock.monotonic() - began

    def memory_mb(self) -> float:
        """Resident memory of the server's whole process tree, in MB."""
        pids = process_tree(self._server.pid) if self._server is not None else []
        pages = sum(int(_stat(pid)[21]) for pid in pids if len(_stat(pid)) > 21)
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576

    def cpu_seconds(self) -> float:
        """Processor time the server's whole process tree has used so far."""
        pids = process_tree(self._server.pid) if self._server is not None else []
        ticks = sum(int(stat[11]) + int(stat[12]) for stat in map(_stat, pids) if len(stat) > 12)
        return ticks / os.sysconf("SC_CLK_TCK")

    @property
    def log(self) -> Path:
        """Where the server's log is written."""
        return self.folder / "server.log"

    def _start_provider(self) -> "subprocess.Popen[str]":
        account = ["--phone-number-id", NUMBER, "--token", self.secrets["token"], "--app-secret", self.secrets["app_secret"]]
        target = f"{self.address}/api/webhooks/whatsapp"
        command = [sys.executable, "-m", "leadkeeper", "simulator", "--target", target, *account]
        provider = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True, cwd=self.folder
        )
        line = provider.stdout.readline() if provider.stdout else ""
        self._provider_address = str(json.loads(line)["address"])
        return provider

    def _settings(self) -> dict[str, str]:
        return {
            "LEADKEEPER_DATA_DIR": str(self.folder / "data"),
            "LEADKEEPER_DATABASE_URL": self.database_url,
            "LEADKEEPER_PORT": str(self.port),
            "LEADKEEPER_QUIET_SECONDS": "0",
            "LEADKEEPER_BACKOFF_SECONDS": "0.1",
            "LEADKEEPER_GRAPH_URL": self._provider_address,
            "LEADKEEPER_WHATSAPP_PHONE_NUMBER_ID": NUMBER,
            "LEADKEEPER_WHATSAPP_TOKEN": self.secrets["token"],
            "LEADKEEPER_WHATSAPP_APP_SECRET": self.secrets["app_secret"],
            "LEADKEEPER_WHATSAPP_VERIFY_TOKEN": self.secrets["verify_token"],
            "LEADKEEPER_CRON_SECRET": self.secrets["cron"],
            "LEADKEEPER_ADMIN_EMAIL": EMAIL,
            "LEADKEEPER_ADMIN_PASSWORD": self.password,
        }


def process_tree(root: int) -> list[int]:
    """A process and all below it, parents first (read from /proc)."""
    parents = {
        int(path.name): int(fields[1]) for path in Path("/proc").glob("[0-9]*") if len(fields := _stat(int(path.name))) > 1
    }
    tree = [root]
    for pid in tree:
        tree.extend(child for child, parent in parents.items() if parent == pid)
    return tree


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the name; empty for a process that is gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _lives(pid: int) -> bool:
    """False also for one that is dead and only waits to be buried by whoever adopted it."""
    return _stat(pid)[:1] not in ([], ["Z"])


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
