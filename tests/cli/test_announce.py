"""The box at the end of a start."""

from datetime import timedelta

from leadkeeper.cli import announce


def test_the_box_says_where_it_is_how_to_get_in_and_how_to_stop() -> None:
    text = announce.started("http://127.0.0.1:8000", "http://127.0.0.1:8000/setup?token=abc", timedelta(minutes=30), "data/l.log")

    for said in ("http://127.0.0.1:8000", "setup?token=abc", "30 minutes", "Ctrl+C", "data/l.log"):
        assert said in text


def test_without_a_link_nothing_is_said_of_one() -> None:
    text = announce.started("http://127.0.0.1:8000", None, timedelta(minutes=30), None)

    assert "owner" not in text
    assert "Log" not in text


def test_every_line_of_the_frame_is_equally_wide_and_an_address_is_never_cut() -> None:
    link = "https://desk.example.com/setup?token=" + "x" * 80
    text = announce.started("https://desk.example.com", link, timedelta(minutes=30), None, demo=True)

    assert link in text
    assert len({len(line) for line in text.splitlines()}) == 1
    assert "example business" in text


def test_wide_signs_are_counted_as_two_columns() -> None:
    first, second, third = announce.box("t", ["漢"]).splitlines()

    assert len(second) == len(first) - 1 == len(third) - 1
