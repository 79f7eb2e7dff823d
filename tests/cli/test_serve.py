"""A process that serves, once everything is loaded."""

import gc
from typing import Any

from leadkeeper.cli import serve


def test_what_is_loaded_is_not_looked_through_for_garbage_again() -> None:
    made: Any = object()
    before = gc.get_freeze_count()

    try:
        loaded = serve._loaded(lambda: made)
        frozen = gc.get_freeze_count()
    finally:
        gc.unfreeze()

    assert loaded is made
    assert frozen > before
    assert gc.isenabled()
