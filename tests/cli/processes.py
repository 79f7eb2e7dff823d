"""Real processes of the product, on a database of their own, ended by the test that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2

PATIENCE = 120.0
"""Seconds; a loaded machine takes its time, a broken program never comes."""


class Running:
    """A started command of the CLI; its output is gathered in a file."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.folder = folder
        self.output = folder / f"output-{arguments[0]}.txt"
        self.settings = settings
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leadkeeper", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env=environment(settings),
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> str:
        """Everything printed, once it holds `text`."""
        until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said
        return self.said

    def children(self) -> list[int]:
        """The process ids of its children."""
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def get(self, path: str) -> httpx2.Response:
        """GET from the web server; comes again while it says that it is starting, as a provider would."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = httpx2.get(f"http://127.0.0.1:{self.settings['PORT']}{path}", timeout=PATIENCE)
            if answer.headers.get("retry-after") != "1" or time.monotonic() > end:
                return answer

    def end(self) -> int:
        """Stop it as an operator would; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings and no others of the product."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADKEEPER_", "AUTOPILOT_"))}
    return {**kept, **{f"LEADKEEPER_{name}": value for name, value in settings.items()}}


def until(done: object) -> None:
    """Wait until `done()`. Raises TimeoutError."""
    assert callable(done)
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.05)
