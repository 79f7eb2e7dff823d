"""Web and worker as processes of their own, on the database of a stage."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from leadkeeper.cli.proof.stage import Stage, free_port
from leadkeeper.errors import Unavailable
from leadkeeper.store.address import parse_url

WEBS = {"sqlite": 1, "postgresql": 2}
"""Web servers of one measurement, by engine; one worker works beside them."""


@contextmanager
def apart(stage: Stage) -> Iterator[list[str]]:
    """Web servers and a worker instead of the stage's one process; yields the servers' addresses."""
    stage.kill()
    ports = [free_port() for _ in range(WEBS[parse_url(stage.database_url).get_backend_name()])]
    started = [_start(stage, "web", LEADKEEPER_PORT=str(port)) for port in ports]
    started.append(_start(stage, "worker"))
    try:
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            if process.wait() not in (0, -signal.SIGTERM):
                raise Unavailable(f"a server ended with {process.returncode}; see {stage.log}")


def _start(stage: Stage, command: str, **settings: str) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADKEEPER_")}
    with stage.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "leadkeeper", command],
            env={**kept, **stage.settings, **settings},
            cwd=stage.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
