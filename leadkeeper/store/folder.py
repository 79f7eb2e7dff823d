"""The data folder: made closed to others, and refused in words when it cannot be used."""

import os
from pathlib import Path

from leadkeeper.errors import Misconfigured


def ensure(folder: Path) -> Path:
    """Make the folder when there is none. Raises Misconfigured when it cannot be made or written."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _useless(folder, "it is a file" if isinstance(error, FileExistsError) else str(error.strerror)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _useless(folder, "this user may not write there")
    return folder


def _useless(folder: Path, why: str) -> Misconfigured:
    return Misconfigured(f"the data folder {folder} cannot be used: {why}. Set LEADKEEPER_DATA_DIR to a folder of your own")
