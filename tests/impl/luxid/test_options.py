import pytest

from impl.luxid.options import Options, read_options


def test_defaults_are_those_of_the_type() -> None:
    assert read_options([]) == Options()


def test_every_option_is_read() -> None:
    words = ["--root", "/r", "-f", "--query-only", "--trace", "/t", "--polling-only", "--max-waiters", "7"]
    found = read_options([*words, "--job-program", "module:function"])
    assert found == Options("/r", True, True, "/t", True, 7, "module:function")


def test_a_usage_error_ends_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(["--max-waiters", "many"])
    assert ended.value.code == 2
    assert "--max-waiters" in capsys.readouterr().err
