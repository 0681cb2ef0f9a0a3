import pytest

from impl.wconfd.options import Options, read_options


def test_defaults_are_those_of_the_type() -> None:
    assert read_options([]) == Options()


def test_every_option_is_read() -> None:
    words = ["--root", "/r", "-f", "-d", "--fair", "--allow-uid", "7", "--allow-uid", "8", "--allow-gid", "9"]
    times = ["--sweep-interval", "1", "--message-timeout", "2", "--idle-timeout", "3"]
    places = ["--trace", "/t", "--metrics", "9100", "--replica", "/a", "--replica", "/b"]
    assert read_options([*words, *times, *places]) == Options(
        root="/r", fair=True, allowed_uids=(7, 8), allowed_gids=(9,), sweep_interval=1.0, message_timeout=2.0,
        idle_timeout=3.0, trace="/t", metrics=("127.0.0.1", 9100), replicas=("/a", "/b"), foreground=True, debug=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["--sweep-interval", "--message-timeout", "--idle-timeout"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon"])
def test_times_are_more_than_nothing(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options([f"{name}={value}"])
    assert ended.value.code == 2
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(("text", "address"), [("localhost:9100", ("localhost", 9100)), (":0", ("127.0.0.1", 0))])
def test_figures_are_served_on_a_host(text: str, address: tuple[str, int]) -> None:
    assert read_options(["--metrics", text]).metrics == address


@pytest.mark.parametrize("text", ["foo", "", "localhost", "localhost:", "65536", "-1", "80 ", "a:b"])
def test_what_is_no_port_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options([f"--metrics={text}"])
    assert ended.value.code == 2
    assert f"expected [HOST:]PORT, such as 9100, not '{text}'" in capsys.readouterr().err
