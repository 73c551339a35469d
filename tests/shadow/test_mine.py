from __future__ import annotations

from provenline.shadow.mine import choose
from tests.shadow.world import comparison


def test_groups_take_turns_so_that_no_clip_fills_the_gallery() -> None:
    table = comparison({"a": [1] * 20, "b": [0, 1, 1], "c": [0] * 5, "d": [1]})
    chosen = choose(table, 6)
    assert list(chosen["group"]) == ["a", "b", "d", "a", "b", "a"]
    assert list(chosen["rank"]) == [1, 2, 3, 4, 5, 6]
    assert chosen["disagrees"].all()
    assert choose(table, 0).empty and len(choose(table, 999)) == 23


def test_the_gravest_come_first_within_a_group() -> None:
    table = comparison({"a": [1, 1, 1, 1]})
    table.loc[1, "kind"] = "presence"
    table.loc[2, ["kind", "only_candidate"]] = ["only_candidate", 3]
    table.loc[3, "kind"] = "shifted"
    assert list(choose(table, 4)["time_ms"]) == [1000, 2000, 0, 3000]
