"""The tests mirror the packages: each test file has its module's path, and modules without tests are listed."""

from pathlib import Path

from tests.quality.mirror import LIST, astray, listed, modules, place_of, text_of, untested


def test_every_test_file_stands_in_the_place_of_a_module() -> None:
    assert astray() == [], (
        "no module or package of that name: name a test file tests/P/test_X.py or tests/P/test_X_aspect.py for the "
        "module P/X.py or the package P/X, or put it into tests/quality, conformance, faults or e2e"
    )


def test_every_new_module_has_a_test_file() -> None:
    new = sorted(set(untested()) - set(listed()))
    assert not new, f"no test file for {new}: write tests/P/test_X.py for P/X.py"


def test_the_list_of_untested_modules_is_exact() -> None:
    gained = sorted(set(listed()) - set(untested()))
    assert not gained, f"{gained} have tests now or are gone: run python -m tests.quality.mirror"


def planted(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_files_astray_and_modules_without_tests_are_found(tmp_path: Path) -> None:
    root = planted(
        tmp_path,
        "spec/locks/__init__.py", "spec/locks/rules.py", "spec/locks/rules_fair.py", "spec/store.py",
        "tests/spec/test_locks_life.py", "tests/spec/locks/test_rules_fair.py", "tests/spec/locks/test_order.py",
    )  # fmt: skip
    assert modules(root) == ["spec/locks/rules", "spec/locks/rules_fair", "spec/store"]
    assert astray(root) == ["tests/spec/locks/test_order.py"]
    assert untested(root) == ["spec/locks/rules", "spec/store"]


def test_the_longest_name_counts_and_only_whole_words_do() -> None:
    places = ["spec/score", "spec/score_deltas"]
    assert place_of("tests/spec/test_score_deltas_walks.py", places) == "spec/score_deltas"
    assert place_of("tests/spec/test_score_walks.py", places) == "spec/score"
    assert place_of("tests/spec/test_scores.py", places) is None
    assert place_of("tests/impl/test_score.py", places) is None


def test_the_list_is_written_as_it_is_read() -> None:
    assert LIST.read_text(encoding="utf-8") == text_of(listed())
