"""What docs/simulator.md says of the simulator is all there is."""

import re
from dataclasses import fields
from pathlib import Path

from leadkeeper.simulator.app import CONTROL
from leadkeeper.simulator.behaviour import MODES, Behaviour, Step, camel

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def test_every_route_of_the_control_is_told_and_no_other() -> None:
    told = {(method, path) for method, path in re.findall(r"`(GET|POST) (/sim/\w+)", PAGE)}

    assert told == {(method, route.path) for route in CONTROL for method in (route.methods or ()) if method != "HEAD"}


def test_every_field_and_mode_is_told() -> None:
    named = set(re.findall(r"\w+", PAGE))

    assert [camel(field.name) for kind in (Step, Behaviour) for field in fields(kind) if camel(field.name) not in named] == []
    assert set(MODES) <= named
