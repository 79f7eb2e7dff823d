"""One life after the other on the same rows, each in a process forked from a warm parent, each ended by a kill.

A life begins with what the one before has left: it looks at the rows before anybody works on them,
takes the work up, has everything judged that was done so far, and then dies at its own place.
"""

import asyncio
import gc
import json
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from leadkeeper import clock, crashpoints
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.business import PATIENCE_SECONDS, Business, Rows
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.stories import STORIES
from leadkeeper.errors import Unavailable

LONGEST_LIFE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a life is to die: the `hit`-th time it comes by `label`, `early` counting from its start, while `story` is told."""

    label: str
    hit: int
    story: str
    early: bool


def born(rows: Rows, court: judge.Court, aim: Aim | None) -> int:
    """Fork a life; returns its process id. The caller must have one thread only."""
    pid = os.fork()
    if pid == 0:
        _live_and_leave(rows, court, aim)
    return pid


def _live_and_leave(rows: Rows, court: judge.Court, aim: Aim | None) -> NoReturn:
    gc.disable()  # a short life leaves no garbage worth copying its parent's pages for
    signal.alarm(LONGEST_LIFE_SECONDS)  # one that hangs ends all the same, and is found by how it ended
    code = 1
    try:
        logging.basicConfig(filename=rows.folder / "log", level=logging.INFO, force=True)
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        logging.info("a life begins: %s", aim)
        asyncio.run(live(rows, court, aim))
        code = 0
    except BaseException as error:
        logging.critical("a life has failed", exc_info=error)
        _judge(rows, [f"{type(error).__name__}: {error}"])
    finally:
        logging.shutdown()
        os._exit(code)


async def live(rows: Rows, court: judge.Court, aim: Aim | None) -> None:
    """Look, take up, have it judged, tell the aim's story; whoever was not killed on the way ends in good order."""
    journal = Journal(rows.journal)
    _wait_for_the_dead(rows, court)
    court.judge(rows.url, lambda conn: judge.note_what_is_found(conn, journal))
    _judge(rows, court.judge(rows.url, judge.unsound))
    business = Business.telling(rows, journal, aim.story if aim is not None else None)
    visit = _killer(aim) if aim is not None else None
    if aim is not None and aim.early:
        crashpoints.arm(visit)
    business.begin()
    await business.redeliver()
    await business.idle()
    _judge(rows, court.judge(rows.url, lambda conn: judge.wrong(conn, journal)))
    if aim is not None:
        crashpoints.arm(visit)
        await tell(business, aim.story)
        crashpoints.arm(None)
        _judge(rows, court.judge(rows.url, lambda conn: judge.wrong(conn, journal)))
    await business.end()


async def tell(business: Business, name: str) -> None:
    """One story from the customer's message to the provider's report."""
    story = STORIES[name]
    sender = await business.tell(story)
    await business.idle()
    await business.act(story, sender)
    await business.report()
    await business.idle()


def verdicts(rows: Rows) -> Path:
    """Where what was judged is kept: one JSON list of findings a line."""
    return rows.folder / "verdicts"


def judged(rows: Rows, since: int = 0) -> list[str]:
    """What was found wrong on these rows, from the `since`-th byte of the verdicts on."""
    if not verdicts(rows).exists():
        return []
    lines: list[list[str]] = [json.loads(line) for line in verdicts(rows).read_text("utf-8")[since:].splitlines()]
    return [finding for line in lines for finding in line]


def _killer(aim: Aim) -> Callable[[str], None]:
    left = aim.hit

    def visit(label: str) -> None:
        nonlocal left
        if label == aim.label:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return visit


def _judge(rows: Rows, findings: list[Any]) -> None:
    with verdicts(rows).open("a", encoding="utf-8") as file:
        file.write(json.dumps(findings) + "\n")


def _wait_for_the_dead(rows: Rows, court: judge.Court) -> None:
    """PostgreSQL notices a while later that a killed process is gone: until then its rows are not final."""
    until = clock.monotonic() + PATIENCE_SECONDS
    while court.judge(rows.url, judge.others_connected):
        if clock.monotonic() > until:
            raise Unavailable("the server keeps connections of killed processes")
        clock.sleep_until_tick(0.01)
