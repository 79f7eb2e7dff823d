from leadkeeper.channels.storable import storable, storable_text


def test_nul_and_half_a_pair_become_the_replacement_sign() -> None:
    assert storable_text("a\x00b") == "a\ufffdb"
    assert storable_text("\ud83d ok \U0001f600") == "\ufffd ok \U0001f600"


def test_a_text_is_cut_to_its_limit() -> None:
    assert storable_text("abcdef", 3) == "abc"
    assert storable_text("ab", 3) == "ab"


def test_keys_are_made_fit_too() -> None:
    assert storable({"a\x00": 1}) == {"a\ufffd": 1}


def test_what_no_database_takes_is_nothing() -> None:
    assert storable([float("nan"), float("inf"), 1 << 5_000, 1.5, True, None]) == [None, None, None, 1.5, True, None]


def test_nesting_beyond_any_provider_is_cut() -> None:
    for empty in ([], {}):
        deep: object = empty
        for _ in range(100):
            deep = {"in": deep} if empty == {} else [deep]
        flat = str(storable(deep))
        assert flat.count("[" if empty == [] else "{") == 41
