"""crashpoints: kill -9 at every labelled place, look at what is left, and go on from there.

The parent is warm (everything imported, every statement compiled) and has no thread when it forks.
"""

import ast
import asyncio
import gc
import os
import select
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from random import Random

from leadkeeper import clock, crashpoints
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.business import Business, Rows, found
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.lives import Aim, born, judged, tell, verdicts
from leadkeeper.cli.faults.stories import STORIES
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.errors import Unavailable

PACKAGE = Path(__file__).resolve().parents[2]
LANES = 3
"""Lives at the same time, each on rows of its own: while one waits, two cores have two others."""
LIVES = 25
"""Kills on the same rows; then one life more looks at the whole, and fresh rows follow."""
EARLY = 0.2
"""Share of the kills that count from the start of the life: a death in the middle of taking up another one's work."""
TAKING_OVER = "rescue."
ONLY_EARLY = ("boot.", TAKING_OVER)
RESTORE = "restore."
"""These are passed by a restore only: `restores` kills there."""
LEAVING_WORK = "run.ended"
"""A death here leaves a job in the hands of nobody."""
TRIES = 6
"""Aims at one label that may miss in a row: what a life passes differs a little from one to the next."""


def labels() -> list[str]:
    """Every label of the package's source."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="point"), args=[ast.Constant(value=str(label))]):
                    found.add(label)
    return sorted(found)


def run(trial: Trial, ground: Ground, seed: int) -> None:
    """Kill `trial.wanted` times. Raises Unavailable when it cannot be set up."""
    with ground.scratch() as (folder, url):
        template, court = Rows(folder, url), judge.Court(url)
        reached = _warm(ground, template, court)
        be_alone()
        lanes = [_Lane(ground, template, court) for _ in range(LANES)]
        try:
            _kill_all(trial, lanes, _Aims(reached, Random(seed)))
        finally:
            for lane in lanes:
                lane.close()


class _Aims:
    """Where to kill next: every label in turn, those that were missed once more."""

    def __init__(self, reached: Mapping[str, Mapping[str, int]], random: Random) -> None:
        self._reached = reached
        self._random = random
        self.labels = [label for label in labels() if not label.startswith(RESTORE)]
        self._round: list[str] = []
        self.killed: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def next(self, *, after_death: bool) -> Aim:
        """The next aim. Only after a death there is anything to take over."""
        if not self._round:
            self._round = self.labels.copy()
            self._random.shuffle(self._round)
        open_now = [label for label in self._round if after_death or not label.startswith(TAKING_OVER)]
        label = open_now[-1] if open_now else LEAVING_WORK
        if open_now:
            self._round.remove(label)
        if label.startswith(ONLY_EARLY):
            return Aim(label, 1, self._random.choice(list(STORIES)), early=True)
        by_story = {story: hits[label] for story, hits in self._reached.items() if hits.get(label)}
        story = self._random.choice(list(by_story) or list(STORIES))
        hit = self._random.randint(1, by_story.get(story, 1))
        return Aim(label, hit, story, early=self._random.random() < EARLY)

    def died(self, aim: Aim) -> None:
        """It died where it should."""
        self.killed[aim.label] += 1

    def lived(self, aim: Aim) -> None:
        """It did not come by."""
        self.missed[aim.label] += 1
        if self.killed[aim.label] == 0 and self.missed[aim.label] < TRIES:
            self._round.insert(0, aim.label)

    @property
    def never(self) -> list[str]:
        """Labels at which nobody died, however often it was tried."""
        return [label for label in self.labels if not self.killed[label] and self.missed[label] >= TRIES]


class _Lane:
    """One life after the other on the same rows, then on fresh ones."""

    def __init__(self, ground: Ground, template: Rows, court: judge.Court) -> None:
        self._ground = ground
        self._court = court
        self._template = template
        self._stack = ExitStack()
        self._seen = 0
        self.aim: Aim | None = None
        self.pid = 0
        self.file = -1
        self.deaths = 0
        self.rows = template

    def begin(self, aim: Aim | None) -> None:
        """Fork the next life."""
        if self.rows is self._template:
            self.rows = Rows(*self._stack.enter_context(self._copy()))
            self.deaths = self._seen = 0
        self.aim = aim
        self.pid = born(self.rows, self._court, aim)
        self.file = os.pidfd_open(self.pid)

    def end(self) -> int:
        """Reap the life that has ended; returns its status."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.file)
        self.pid = 0
        return status

    def findings(self) -> list[str]:
        """What was judged wrong since the last look."""
        size = verdicts(self.rows).stat().st_size if verdicts(self.rows).exists() else 0
        found, self._seen = judged(self.rows, self._seen), size
        return found

    def in_doubt(self) -> int:
        """How many attempts have stood in `sending` when their process was dead."""
        return len(Journal(self.rows.journal).found) if self.rows.journal.exists() else 0

    def fresh(self) -> None:
        """Leave these rows."""
        self._stack.close()
        self.rows = self._template

    def close(self) -> None:
        """End what still lives, and remove its rows."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.end()
        self.fresh()

    def _copy(self) -> AbstractContextManager[tuple[Path, str]]:
        return self._ground.copied(self._template.folder, self._template.url)


def _warm(ground: Ground, template: Rows, court: judge.Court) -> dict[str, Counter[str]]:
    """Found the business, then tell every story once on a copy; returns which labels each one passes, and how often."""
    asyncio.run(found(template))
    reached: dict[str, Counter[str]] = {}
    with ground.copied(template.folder, template.url) as copy:
        for name in STORIES:
            reached[name] = asyncio.run(_census(Rows(*copy), court, name))
    return reached


async def _census(rows: Rows, court: judge.Court, name: str) -> Counter[str]:
    reached: Counter[str] = Counter()
    journal = Journal(rows.journal)
    business = Business.telling(rows, journal, name)
    business.begin()
    await business.idle()
    crashpoints.arm(lambda label: reached.update([label]))
    await tell(business, name)
    crashpoints.arm(None)
    findings = court.judge(rows.url, lambda conn: judge.wrong(conn, journal))
    await business.end()
    if findings:
        raise Unavailable(f"the story {name} goes wrong even without a fault: {findings}")
    return reached


def be_alone() -> None:
    """Wait until every thread of the warming has ended: a fork copies only the thread that forks.

    What is there by now is left alone by the collector, so that the children can go on sharing it.
    """
    gc.collect()
    gc.freeze()
    until = clock.monotonic() + 5
    while (threads := len(list(Path("/proc/self/task").iterdir()))) > 1:
        if clock.monotonic() > until:
            raise Unavailable(f"{threads} threads are left: nothing may be forked")
        clock.sleep_until_tick(0.01)


def _kill_all(trial: Trial, lanes: list[_Lane], aims: _Aims) -> None:
    """Keep every lane busy until the kills are done, then let each be looked at once more."""
    doubts = missed = 0
    for lane in lanes:
        lane.begin(aims.next(after_death=False))
    while busy := [lane for lane in lanes if lane.pid]:
        for lane in _ended(busy):
            aim, status = lane.aim, lane.end()
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            if aim is not None and killed:
                aims.died(aim)
                lane.deaths += 1
                trial.step()
            elif aim is not None:
                aims.lived(aim)
                missed += 1
            spoilt = _note(trial, lane, status, expected_death=killed and aim is not None)
            if aim is None or spoilt:
                doubts += lane.in_doubt()
                lane.fresh()
            enough = trial.done + sum(other.pid > 0 and other.aim is not None for other in lanes) >= trial.wanted
            if not enough and (aim is None or spoilt or lane.deaths < LIVES):
                lane.begin(aims.next(after_death=killed and aim is not None and not spoilt))
            elif aim is not None and not spoilt:
                lane.begin(None)
    for label in aims.never:
        trial.find(f"nobody ever came by the label {label}")
    trial.counts |= {"labels": len(aims.labels), "killedAt": len(aims.killed), "inSendWindow": doubts, "missed": missed}


def _ended(busy: list[_Lane]) -> Iterator[_Lane]:
    ready, _, _ = select.select([lane.file for lane in busy], [], [])
    yield from (lane for lane in busy if lane.file in ready)


def _note(trial: Trial, lane: _Lane, status: int, *, expected_death: bool) -> bool:
    """Take what the life has judged; True when something was wrong, and these rows are of no more use."""
    found = lane.findings()
    if not expected_death and status != 0 and not found:
        found = [f"a life ended with status {status}"]
    if found:
        kept = Path(tempfile.mkdtemp(prefix="leadkeeper-fault-"))
        shutil.copytree(lane.rows.folder, kept, dirs_exist_ok=True)
        for finding in found:
            trial.find(f"after {lane.aim} and {lane.deaths} deaths: {finding} (rows, journal and log: {kept})")
    return bool(found)
