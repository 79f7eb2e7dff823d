"""Files that are there whole or not at all, also when the power goes: written beside, synced, renamed."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` under this name, readable by us alone. Raises OSError; then what was there before still is."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    move(beside, path)


def move(path: Path, target: Path) -> None:
    """Give a synced file or folder its name, and make the name itself durable."""
    path.rename(target)
    sync(target.parent)
    if path.parent != target.parent:
        sync(path.parent)


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
