"""The reserve: below it nothing new is promised, and its ballast is given up before the disk is full."""

from pathlib import Path

import pytest

from leadkeeper.store import room
from leadkeeper.store.room import NoRoom, Room

RESERVE = 1_000_000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    state = {"free": 10 * RESERVE}
    monkeypatch.setattr(room, "free_bytes", lambda folder: state["free"])
    return state


def scarce(place: Room) -> bool:
    place.look()
    try:
        place.require()
    except NoRoom:
        return True
    return False


def test_the_ballast_is_laid_where_there_is_room(disk: dict[str, int], tmp_path: Path) -> None:
    place = Room(tmp_path, RESERVE)

    assert not scarce(place)
    assert place.ballast.stat().st_blocks * 512 >= RESERVE
    assert place.ballast.stat().st_mode & 0o077 == 0


def test_below_the_reserve_nothing_new_is_taken_and_the_ballast_is_kept(disk: dict[str, int], tmp_path: Path) -> None:
    place = Room(tmp_path, RESERVE)
    place.look()

    disk["free"] = RESERVE - 1

    assert scarce(place)
    assert place.ballast.exists()


def test_once_given_up_it_stays_so_until_there_is_room_for_it_and_the_reserve(disk: dict[str, int], tmp_path: Path) -> None:
    place, other = Room(tmp_path, RESERVE), Room(tmp_path, RESERVE)
    place.look()
    other.look()
    disk["free"] = RESERVE // 10

    place.look()

    assert not place.ballast.exists()
    for free, expected in ((RESERVE + RESERVE // 10, True), (2 * RESERVE, False)):
        disk["free"] = free
        assert (scarce(place), scarce(other)) == (expected, expected)


def test_a_small_disk_without_ballast_is_used_down_to_the_reserve(disk: dict[str, int], tmp_path: Path) -> None:
    disk["free"] = RESERVE + 1
    place = Room(tmp_path, RESERVE)

    assert not scarce(place)
    assert not place.ballast.exists()


def test_a_disk_that_fills_up_while_the_ballast_is_laid_is_scarce_only_below_the_reserve(
    disk: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room.os, "posix_fallocate", full)
    place = Room(tmp_path, RESERVE)

    assert not scarce(place)
    assert list(tmp_path.iterdir()) == []


def test_a_watch_gives_the_ballast_up_by_itself(disk: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(room, "LONGEST_LOOK_SECONDS", 0.01)
    place = Room(tmp_path, RESERVE)
    end = place.watch()

    disk["free"] = 0

    try:
        for _ in range(500):
            if not place.ballast.exists():
                break
            room.clock.sleep_until_tick(0.01)
        assert not place.ballast.exists()
    finally:
        end()


@pytest.mark.parametrize(("free", "seconds"), [(RESERVE, 0.25), (2 * 10**9 + RESERVE, 1.0), (10**12, 2.0)])
def test_the_more_room_there_is_the_rarer_it_is_looked_at(
    free: int, seconds: float, disk: dict[str, int], tmp_path: Path
) -> None:
    disk["free"] = free
    place = Room(tmp_path, RESERVE)

    place.look()

    assert place._pause == seconds
