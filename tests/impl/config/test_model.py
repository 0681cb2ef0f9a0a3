"""The configuration as a value: what a draft changes and what it leaves, and the way to text and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impl.config.errors import ConfigurationError
from impl.config.model import SECTIONS, TOP, Change, Config, Draft, changes_between, from_rows, from_value, parse
from tests.impl.config.values import VALUE, config


def test_text_and_back_keeps_all_even_what_is_not_known() -> None:
    assert json.loads(config().text()) == VALUE
    assert json.loads(parse(config().text()).text()) == VALUE


def test_the_text_has_its_keys_in_order_and_is_remembered() -> None:
    known = config()
    assert list(json.loads(known.text())["nodes"]) == sorted(VALUE["nodes"])
    assert known.text() is known.text()
    assert config().text() == known.text()


def test_a_draft_leaves_the_configuration_that_it_began_with() -> None:
    before = config()
    draft = Draft(before)
    draft.put("nodes", "n1", {"uuid": "n1", "offline": True})
    draft.remove("nodes", "n2")
    after, changes = draft.finish(9.0)
    assert json.loads(before.text()) == VALUE
    assert after.get("nodes", "n1") == {"uuid": "n1", "offline": True}
    assert after.get("nodes", "n2") is None
    assert after.serial == 8
    assert json.loads(after.text())["mtime"] == 9.0
    assert {(change.section, change.key) for change in changes} == {
        ("nodes", "n1"), ("nodes", "n2"), (TOP, "serial_no"), (TOP, "mtime")
    }  # fmt: skip
    assert after.objects("disks") is before.objects("disks"), "what is not changed is shared"


def test_a_draft_without_changes_is_the_configuration_itself() -> None:
    known = config()
    assert Draft(known).finish(9.0) == (known, [])
    untouched = Draft(known)
    untouched.remove("nodes", "nobody")
    assert untouched.finish(9.0) == (known, [])
    assert Draft(known).finish(9.0, always=True)[0].serial == known.serial + 1


def test_touching_the_cluster_bumps_its_serial_number() -> None:
    draft = Draft(config())
    draft.touch_cluster(9.0)
    cluster = draft.finish(9.0)[0].cluster
    assert (cluster["serial_no"], cluster["mtime"], cluster["master_node"]) == (4, 9.0, "n1")


objects = st.dictionaries(st.sampled_from("abc"), st.fixed_dictionaries({"v": st.integers(0, 2)}), max_size=3)


def config_of(nodes: dict[str, Any], disks: dict[str, Any]) -> Config:
    return from_value({"version": 1, "cluster": {}, "serial_no": 1, "nodes": nodes, "disks": disks})


@given(objects, objects, objects, objects)
def test_the_changes_between_two_configurations_lead_from_one_to_the_other(
    nodes: dict[str, Any], disks: dict[str, Any], more: dict[str, Any], others: dict[str, Any]
) -> None:
    before, after = config_of(nodes, disks), config_of(more, others)
    changes = changes_between(before, after)
    draft = Draft(before)
    for section, key, text in changes:
        if text is None:
            draft.remove(section, key)
        else:
            draft.put(section, key, json.loads(text))
    assert draft.unbumped().text() == after.text()
    differing = {("nodes", key) for key in "abc" if nodes.get(key) != more.get(key)}
    differing |= {("disks", key) for key in "abc" if disks.get(key) != others.get(key)}
    assert {(change.section, change.key) for change in changes} == differing


def test_rows_make_the_configuration_again() -> None:
    known = config()
    rows = [
        Change(section, key, stored.text)
        for section in (TOP, *SECTIONS)
        for key, stored in known.objects(section).items()
    ]
    assert from_rows([*rows, Change("nodes", "gone", None)]).text() == known.text()


def test_an_empty_configuration_answers_without_errors() -> None:
    empty = Config()
    assert (empty.empty, empty.serial, empty.cluster, empty.values("nodes")) == (True, 0, {}, [])
    assert not config().empty


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 10_000, "not valid JSON"),
        (b"[]", "no JSON object"),
        (b'{"version": 1, "cluster": {}}', "'serial_no' not found"),
        (b'{"version": "1", "cluster": {}, "serial_no": 1}', "'version' not found"),
        (b'{"version": 1, "cluster": [], "serial_no": 1}', "'cluster' not found"),
        (b'{"version": 1, "cluster": {}, "serial_no": 1, "nodes": []}', "'nodes' of the configuration"),
        (b'{"version": 1, "cluster": {}, "serial_no": 1, "disks": {"d": 1}}', "'disks' of the configuration"),
    ],
)
def test_what_is_no_configuration_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parse(text)
