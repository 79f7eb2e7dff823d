"""What the disk and the machine are like just now: shown beside every measured figure."""

import os
import tempfile
from pathlib import Path

from leadkeeper import clock

SECONDS = 0.5


def fsyncs_per_second(folder: Path) -> float:
    """How often a small write to a file in `folder` can be made durable in a second."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        done, began = 0, clock.monotonic()
        while clock.monotonic() - began < SECONDS:
            os.pwrite(file.fileno(), b"x" * 512, 0)
            os.fdatasync(file.fileno())
            done += 1
        return done / (clock.monotonic() - began)


def load() -> float:
    """The machine's load average of the last minute."""
    return os.getloadavg()[0]
