"""Inputs of every format with something wrong about them: a cluster or a refusal, never anything else.

The same inputs are compared with Ganeti's programs in `tests/conformance/test_damaged_inputs.py`.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from htools import hbal
from htools.backends import iallocator, luxi, rapi, text
from htools.backends.jsonfields import decode
from htools.errors import LoadError
from tests.conformance.clusters import Generator
from tests.conformance.damage import damaged_json, damaged_lines
from tests.conformance.damaged_cases import FORMATS, damaged_case, rapi_answers
from tests.conformance.programs import Outcome, run_ours
from tests.conformance.random_requests import random_request
from tests.htools.backends.test_luxi import GROUP_ROW, INSTANCE, NODE, OTHER, POLICY, row

SEEDS = range(40)


def hbal_run(directory: Path, *words: str) -> Outcome:
    (directory / "out").mkdir(exist_ok=True)
    return run_ours(hbal.main, words, directory / "out")


def orderly(outcome: Outcome) -> bool:
    return outcome.code == 0 or (
        outcome.code == 1
        and ("Error: " in outcome.errors or outcome.errors.startswith("hbal: "))
        and "Traceback" not in outcome.errors
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_hbal_ends_in_an_orderly_way(kind: str, tmp_path: Path) -> None:
    refused = 0
    for seed in SEEDS:
        directory = tmp_path / str(seed)
        directory.mkdir()
        words = damaged_case(kind, 5000 + seed, directory)
        outcome = hbal_run(directory, *words)
        assert orderly(outcome), (kind, seed)
        assert outcome.code == 0 or not outcome.files, "something was written before all was read"
        refused += outcome.code
    assert 0 < refused < len(SEEDS)


def test_every_refused_line_is_named() -> None:
    refused: list[LoadError] = []
    for seed in range(300):
        content = damaged_lines(seed, Generator(seed % 20, 3, 5).build().text, "|")
        try:
            text.parse(content.decode(), "file")
        except UnicodeDecodeError:
            continue
        except LoadError as error:
            refused.append(error)
    assert len(refused) > 100
    assert all(error.line is not None and "expected" in error.reason for error in refused)


def test_requests_and_answers_are_read_or_refused() -> None:
    refused: list[LoadError] = []
    for seed in SEEDS:
        answers = rapi_answers(text.parse(Generator(seed, 3, 5).build().text))
        name = sorted(answers)[seed % 4]
        damaged = {key: json.dumps(value).encode() for key, value in answers.items()}
        damaged[name] = damaged_json(seed, answers[name])
        try:
            rapi.parse("it", damaged)
        except LoadError as error:
            refused.append(error)
        try:
            iallocator.parse(damaged_json(seed, random_request(seed)))
        except LoadError as error:
            refused.append(error)
    assert len(refused) > 20
    assert all("expected" in error.reason for error in refused)


def test_answers_over_luxi_are_read_or_refused() -> None:
    info = {"tags": ["c"], "ipolicy": POLICY, "master": "n1", "default_hypervisor": "kvm"}
    answers: list[Any] = [
        {"data": [GROUP_ROW]},
        {"data": [row(luxi.NODE_FIELDS, NODE), row(luxi.NODE_FIELDS, OTHER)]},
        {"data": [row(luxi.INSTANCE_FIELDS, INSTANCE)]},
        info,
    ]
    assert luxi.parse("socket", *answers).nodes
    refused = 0
    for seed in range(600):
        damaged = list(answers)
        try:
            damaged[seed % 4] = decode("socket", damaged_json(seed, answers[seed % 4]))
        except LoadError:
            continue  # the codec of the connection refuses it, with this very decoder
        try:
            luxi.parse("socket", *damaged)
        except LoadError:
            refused += 1
    assert refused > 100


DEEP = b"[" * 100_000
ODD = {
    "empty": b"",
    "nul": b"\x00" * 10,
    "deep": DEEP,
    "deep and closed": DEEP + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "not UTF-8": b"\xff\xfe\x00",
    "mark of byte order": b"\xef\xbb\xbf[]",
    "many digits": b"9" * 100_000,
    "NaN": b"NaN",
    "parentheses": b"(" * 100_000,
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("option", ["-t", "-I", "-U", "--mond-data", "-m"])
def test_odd_contents(option: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "cluster").write_text(Generator(0, 3, 4).build().text)
    for part in ("odd", "groups.json", "nodes.json", "instances.json", "info.json"):
        (tmp_path / part).write_bytes(ODD[name])
    words = {
        "-m": ["-m", f"file://{tmp_path}"],
        "-t": ["-t", str(tmp_path / "odd")],
        "-I": ["-I", str(tmp_path / "odd")],
    }
    others = ["-t", str(tmp_path / "cluster"), "--mond=yes", option, str(tmp_path / "odd")]
    outcome = hbal_run(tmp_path, *words.get(option, others), "-l1")
    assert orderly(outcome)
    assert outcome.code == 1 or (option, name) == ("-U", "empty")
    assert len(outcome.errors) < 1000
    assert all(letter.isprintable() or letter == "\n" for letter in outcome.errors)


@pytest.mark.parametrize("option", ["-t", "-I", "-U", "--mond-data"])
def test_what_is_no_file(option: str, tmp_path: Path) -> None:
    (tmp_path / "cluster").write_text(Generator(0, 3, 4).build().text)
    (tmp_path / "directory").mkdir()
    unreadable = tmp_path / "unreadable"
    unreadable.write_text("")
    unreadable.chmod(0)
    for path in ("directory", "missing", *(["unreadable"] if os.geteuid() else [])):
        words = [option, str(tmp_path / path)]
        if option in {"-U", "--mond-data"}:
            words += ["-t", str(tmp_path / "cluster"), "--mond=yes"]
        outcome = hbal_run(tmp_path, *words)
        assert (outcome.code, outcome.output) == (1, "")
        before = "hbal: " if option in {"-U", "--mond-data"} else "Error: failed to load data, aborting: "
        assert outcome.errors.startswith(f"{before}{tmp_path / path}: openFile: ")
        assert outcome.errors.count("\n") == 1


def test_a_cluster_may_come_through_a_pipe(tmp_path: Path) -> None:
    pipe, content = tmp_path / "pipe", Generator(2, 3, 5).build().text
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(content,))
    writer.start()
    outcome = hbal_run(tmp_path, "-t", str(pipe), "-G", "group0", "-l0")
    writer.join(20)
    assert outcome.code == 0


@pytest.mark.parametrize(
    ("word", "number"),
    [("0x10", 16), ("0o17", 15), (" (( 5 ))", 5), ("- 5", -5), ("\u00a07", 7), ("9" * 18, 10**18 - 1)],
)
def test_whole_numbers_may_be_written_as_ganeti_reads_them(word: str, number: int) -> None:
    content = f"g|u|preferred|\n\nn|4096|{word}|4096|1|1|1|N|u\n\n\n\n"
    assert text.parse(content).nodes[0].node_memory == number


@pytest.mark.parametrize("word", ["0b11", "((5)", "5)", "1e3", "5 ", "٣", "", "-", "9" * 5000, str(2**63)])
def test_what_is_no_whole_number(word: str) -> None:
    with pytest.raises(LoadError, match="expected an integer"):
        text.parse(f"g|u|preferred|\n\nn|4096|{word}|4096|1|1|1|N|u\n\n\n\n")


def test_ratios_may_be_without_bound_and_sizes_may_not() -> None:
    line = "1,1,1,1,1,1|1,1,1,1,1,1;1,1,1,1,1,1|drbd|Infinity|1e400"
    policy = text.parse(f"g|u|preferred|\n\n\n\n\n|{line}\n").policy
    assert policy.vcpu_ratio == policy.spindle_ratio == float("inf")
    with pytest.raises(LoadError, match="within the range of a double"):
        text.parse("g|u|preferred|\n\nn|Infinity|0|4096|1|1|1|N|u\n\n\n\n")


def test_a_mirrored_instance_has_two_different_nodes() -> None:
    said = "g|u|preferred|\n\nn|4096|0|4096|100|100|1|N|u\n\ni|1|1|1|running|Y|n|n|drbd|\n\n\n"
    with pytest.raises(LoadError, match="expected another node than the primary"):
        text.parse(said)
    assert text.parse(said.replace("drbd", "plain")).instances[0].secondary == 0


def test_loads_keep_the_ends_of_their_lines(tmp_path: Path) -> None:
    (tmp_path / "cluster").write_text(Generator(0, 3, 4).build().text)
    (tmp_path / "loads").write_bytes(b"inst0 1 1 1 1\r\n")
    outcome = hbal_run(tmp_path, "-t", str(tmp_path / "cluster"), "-U", str(tmp_path / "loads"))
    assert outcome.code == 1
    assert outcome.errors.startswith("Error: can't parse utilisation data: inst0: leftover characters when parsing")
