"""What stands around every page: the rail with its counts, the worker's dot, the banners.

One snapshot a second serves every reader of the process. Others feed it:

    @banner
    def account_halted(conn: Connection) -> Iterable[Banner]: ...

    @figures
    def queue_figures(conn: Connection) -> Mapping[str, float | str]: ...     # live: elements with data-stat="<name>"
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.access.users import User
from leadkeeper.web import routes
from leadkeeper.web.routes import Entry
from leadkeeper.web.site import Site

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Banner:
    """Something every reader should know now. `text` and `action` are English keys; `kind` is info, warn or bad."""

    kind: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    href: str = ""
    action: str = ""
    post: str = ""
    """A path the action is posted to instead of being a link."""
    question: str = ""
    """Asked before the action is posted."""
    least: Role = Role.VIEWER
    """Readers below this role see the words without the action."""


Banners = Callable[[Connection], Iterable[Banner]]
Figures = Callable[[Connection], Mapping[str, float | str]]

_banners: list[Banners] = []
_figures: list[Figures] = []


def banner(provider: Banners) -> Banners:
    """Register a function that says which banners are up."""
    _banners.append(provider)
    return provider


def figures(provider: Figures) -> Figures:
    """Register a function whose numbers are sent to every open page once a second while they change."""
    _figures.append(provider)
    return provider


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the rows for every page of the next second."""

    figures: Mapping[str, float | str]
    counts: Mapping[str, int]
    banners: tuple[Banner, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The snapshot as one reader may see it."""

    menu: tuple[Entry, ...]
    counts: Mapping[str, int]
    banners: tuple[Banner, ...]
    worker: str
    """running, stopped or silent; empty when nobody can tell."""


def take(conn: Connection) -> Snapshot:
    """Read everything the frame shows."""
    numbers: dict[str, float | str] = {}
    for provider in _figures:
        numbers.update(provider(conn))
    counts = {entry.name: entry.count(conn) for entry in routes.menu() if entry.count is not None}
    return Snapshot(numbers, counts, tuple(found for provider in _banners for found in provider(conn)))


async def current(site: Site) -> Snapshot:
    """A snapshot at most a second old."""
    kept: tuple[float, Snapshot] | None = site.snapshot
    if kept is not None and clock.monotonic() - kept[0] < FRESH_SECONDS:
        return kept[1]
    taken_at = clock.monotonic()
    snapshot: Snapshot = await site.db.read(take)
    site.snapshot = (taken_at, snapshot)
    return snapshot


def take_for(site: Site, conn: Connection) -> Mapping[str, float | str]:
    """The figures of a fresh snapshot, which also serves the pages of the next second."""
    taken_at = clock.monotonic()
    snapshot = take(conn)
    site.snapshot = (taken_at, snapshot)
    return snapshot.figures


def for_reader(snapshot: Snapshot | None, user: User | None) -> Frame | None:
    """What `user` may see of it; None where there is no rail (login, set-up, errors)."""
    if snapshot is None or user is None:
        return None
    seen = tuple(entry for entry in routes.menu() if entry.access.role is None or user.role.may(entry.access.role))
    banners = tuple(
        each if user.role.may(each.least) else replace(each, action="", href="", post="") for each in snapshot.banners
    )
    return Frame(seen, snapshot.counts, banners, str(snapshot.figures.get("worker", "")))
