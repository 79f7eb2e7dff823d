"""Ground to break things on, once per engine."""

from collections.abc import Iterator

import pytest

from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.ground import ground as measured_on


@pytest.fixture
def ground(database_url: str) -> Iterator[Ground]:
    """Scratch databases of the engine."""
    with measured_on("sqlite" if database_url.startswith("sqlite") else "postgres", database_url) as place:
        yield place
