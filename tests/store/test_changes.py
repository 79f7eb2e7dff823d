"""To sleep until something is written in a folder."""

import sys
import threading
from pathlib import Path

import pytest

from leadkeeper import clock
from leadkeeper.store import changes
from leadkeeper.store.changes import Changes

LONG = 60.0


def open_files() -> int:
    """Of this process; 0 where the system does not tell."""
    files = Path("/proc/self/fd")
    return len(list(files.iterdir())) if files.exists() else 0


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell")


@linux
def test_a_write_ends_the_wait_and_only_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    watched = Changes.of(tmp_path)
    assert watched is not None

    threading.Timer(0.05, file.write_text, ["something"]).start()

    assert watched.wait(LONG)
    while watched.wait(0.1):  # the last of what that write was told by
        pass
    assert not watched.wait(0.1)
    watched.close()


@linux
def test_who_waits_is_let_go_at_the_end(tmp_path: Path) -> None:
    watched = Changes.of(tmp_path)
    assert watched is not None
    began = clock.monotonic()

    threading.Timer(0.05, watched.end).start()

    assert not watched.wait(LONG)
    assert clock.monotonic() - began < LONG
    watched.close()


def test_where_the_system_cannot_tell_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = open_files()

    assert Changes.of(tmp_path / "no-such-folder") is None
    monkeypatch.setattr(changes.sys, "platform", "darwin")
    assert Changes.of(tmp_path) is None

    assert open_files() == before
