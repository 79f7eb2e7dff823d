"""The registry that finds things by folder."""

import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadkeeper.registry import Registry

PACKAGE = "slow_things"


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[str]]:
    """A package of two modules, the second of which takes its time to import."""
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text(
        f"from leadkeeper.registry import Registry\nthings: Registry[str] = Registry('thing', '{PACKAGE}')\n"
    )
    for name, wait in (("early", 0), ("late", 0.3)):
        (folder / f"{name}.py").write_text(
            textwrap.dedent(f"""
                import threading
                from {PACKAGE} import things

                threading.Event().wait({wait})
                things.add("{name}", "{name}")
            """)
        )
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__(PACKAGE)
    yield sys.modules[PACKAGE].things
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_whoever_asks_while_another_thread_loads_waits_for_everything(things: Registry[str]) -> None:
    first = threading.Thread(target=things.load)
    first.start()
    while things.peek("early") is None:
        threading.Event().wait(0.005)

    found = things.get("late")

    assert found == "late"
    first.join()
    assert list(things.all()) == ["early", "late"]
