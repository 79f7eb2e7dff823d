"""diskfull: somebody fills the disk to the last byte while customers write, and makes room again.

Meanwhile webhooks are answered 503, rows can be read, what was in hand is finished on the room the
ballast has given up; afterwards the work goes on by itself. The disk is a small one in memory, which
only root may mount.
"""

import asyncio
import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults import verdict
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.crowd import Crowd
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.cluster import Cluster, binaries
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.errors import Misconfigured, Unavailable
from leadkeeper.store import migrate, room
from leadkeeper.store.address import parse_url
from leadkeeper.store.database import Database
from leadkeeper.store.schema import messages

DISK_MB = {"sqlite": 96, "postgres": 400}
RESERVE_MB = {"sqlite": 10, "postgres": 40}
"""PostgreSQL writes its log in pieces of 16 MB."""
A_SECOND = 15.0
FULL_SECONDS = 4.0
SETTLE_SECONDS = 90.0
REFUSED_WITHIN = RESUMED_WITHIN = 10.0
PIECE = b"\0" * 65_536


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, gone afterwards. Raises Misconfigured where nothing may be mounted."""
    with tempfile.TemporaryDirectory(prefix="leadkeeper-disk-", ignore_cleanup_errors=True) as name:
        mounted = subprocess.run(  # noqa: S603
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "leadkeeper-faults", name],  # noqa: S607
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if mounted.returncode:
            raise Misconfigured(f"a small disk cannot be mounted here, which only root may: {mounted.stderr.strip()}")
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], stdin=subprocess.DEVNULL, check=True)  # noqa: S603, S607


def run(trial: Trial, engine: str, full_seconds: float = FULL_SECONDS) -> None:
    """Fill the disk and make room again, `trial.wanted` times; `engine` is sqlite or postgres."""
    with small_disk(DISK_MB[engine]) as disk:
        folder = disk / "data"
        folder.mkdir(mode=0o700)
        if engine == "sqlite":
            url = f"sqlite:///{folder / 'leadkeeper.db'}"
            db = Database(url)
            migrate.upgrade(db)
            db.close()
            asyncio.run(_run(trial, engine, disk, folder, url, full_seconds))
            return
        cluster = Cluster(binaries(), fsync=True, inside=disk, more={"max_wal_size": "64MB", "min_wal_size": "32MB"})
        try:
            with Ground(parse_url(cluster.url())).scratch() as (_, url):
                asyncio.run(_run(trial, engine, disk, folder, url, full_seconds))
        finally:
            cluster.stop()


async def _run(trial: Trial, engine: str, disk: Path, folder: Path, url: str, full_seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="leadkeeper-journal-") as elsewhere:
        business = Business(folder, url, Journal(Path(elsewhere) / "journal"), disk_reserve_mb=RESERVE_MB[engine])
        business.db.write_now(business.found)
        unwatch = room.beside(business.db, business.settings).watch()
        business.begin()
        crowd = Crowd(business)
        refused: list[float] = []
        resumed: list[float] = []
        try:
            for _ in range(trial.wanted):
                for finding in await _cycle(business, crowd, disk, full_seconds, refused, resumed):
                    trial.find(finding)
                trial.step()
            for finding in [*business.db.read_now(verdict.wrong, business.journal), *crowd.odd_answers]:
                trial.find(finding)
            trial.counts |= {"acknowledged": len(crowd.taken_at), "refused": crowd.answers[503]}
            trial.counts |= {"slowestToRefuse": round(max(refused), 2), "slowestToResume": round(max(resumed), 2)}
            trial.counts |= {"inDoubt": business.db.read_now(verdict.in_doubt)}
        finally:
            await business.end()
            unwatch()


async def _cycle(
    business: Business, crowd: Crowd, disk: Path, full_seconds: float, refused: list[float], resumed: list[float]
) -> list[str]:
    """One time full and empty again; what was not as it must be."""
    findings: list[str] = []
    before = crowd.answers[503]
    asking = asyncio.create_task(crowd.ask(int(A_SECOND * (full_seconds + 2)), A_SECOND))
    await asyncio.sleep(1)
    filled, ballast = disk / "filled", room.beside(business.db, business.settings).ballast
    if not ballast.exists():
        findings.append("there is no ballast though there is room")
    await asyncio.to_thread(_fill, filled)
    began = clock.monotonic()
    with contextlib.suppress(Unavailable):
        await business.until_none(lambda _: [] if crowd.answers[503] > before else ["nothing is refused"], REFUSED_WITHIN, 0.02)
    refused.append(clock.monotonic() - began)
    await asyncio.sleep(full_seconds / 2)
    if ballast.exists():
        findings.append("the disk was full, and the ballast was kept")
    try:
        await business.idle(SETTLE_SECONDS)
        await business.db.read(_sent)
    except Exception as error:  # whatever it is, it is what was found
        findings.append(f"while the disk was full: {type(error).__name__}: {error}")
    emptied = clock.monotonic()
    filled.unlink()
    await asking
    resumed.append(crowd.silence_after(emptied))
    await business.idle(SETTLE_SECONDS)
    if refused[-1] >= REFUSED_WITHIN:
        findings.append("no webhook was refused while the disk was full")
    if resumed[-1] >= RESUMED_WITHIN:
        findings.append(f"{resumed[-1]:.1f} s after there was room nothing had been taken")
    if not ballast.exists():
        findings.append("the ballast was not laid again")
    return findings


def _fill(path: Path) -> None:
    """Write until not one byte more is taken."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        piece = PIECE
        while piece:
            try:
                os.write(file, piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]
    finally:
        os.close(file)


def _sent(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).where(messages.c.direction == "out")).scalar_one())
