"""Which figures reach what they shall, and how they are told."""

import json
from pathlib import Path

from bench.report import Figure, Pair, compared, table, write


def test_a_ratio_reaches_from_its_bound_upwards_and_others_below_it() -> None:
    assert Figure("ratio", 0.4, 0.4).ok
    assert not Figure("ratio", 0.399, 0.4).ok
    assert Figure("latency", 24.9, 25, "ms").ok
    assert not Figure("latency", 25, 25, "ms").ok


def test_what_was_not_measured_reaches_nothing_and_says_what_to_do() -> None:
    figure = Figure("ratio", None, 0.4, missing="start a database")
    assert not figure.ok
    assert "MISSED" in table([figure])
    assert "start a database" in table([figure])


def test_the_middle_ratio_counts_whatever_one_round_suffered() -> None:
    figure = compared("x", 0.4, [Pair(50, 100), Pair(1, 100), Pair(90, 200)], {"connections": 64})
    assert figure.value == 0.45
    assert (figure.detail["lowest"], figure.detail["highest"]) == (0.01, 0.5)


def test_the_file_has_each_figure_under_its_name(tmp_path: Path) -> None:
    file = tmp_path / "last.json"
    write(file, [compared("x", 0.4, [Pair(50, 100)], {"connections": 64})])
    assert json.loads(file.read_text())["x"] == {
        "value": 0.5,
        "reach": 0.4,
        "ok": True,
        "lowest": 0.5,
        "highest": 0.5,
        "ours_per_second": 50,
        "theirs_per_second": 100,
        "rounds": [[50, 100]],
        "connections": 64,
    }
