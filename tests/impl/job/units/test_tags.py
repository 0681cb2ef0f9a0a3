"""Opcodes on tags."""

import pytest

from tests.impl.job.conftest import Bench, refused


@pytest.mark.parametrize(
    ("kind", "name"), [("cluster", None), ("node", "node2"), ("instance", "web1"), ("nodegroup", "default")]
)
def test_tags_come_and_go(bench: Bench, kind: str, name: str | None) -> None:
    about = {"kind": kind, "name": name}
    before = bench.succeeds({"OP_ID": "OP_TAGS_GET", **about})
    bench.succeeds({"OP_ID": "OP_TAGS_SET", "tags": ["x:b", "x:a"], **about})
    assert bench.succeeds({"OP_ID": "OP_TAGS_GET", **about}) == sorted([*before, "x:a", "x:b"])
    assert len(bench.succeeds({"OP_ID": "OP_TAGS_SEARCH", "pattern": "^x:"})) == 2
    bench.succeeds({"OP_ID": "OP_TAGS_DEL", "tags": ["x:a", "x:b"], **about})
    assert bench.succeeds({"OP_ID": "OP_TAGS_GET", **about}) == before
    refused(bench, {"OP_ID": "OP_TAGS_DEL", "tags": ["x:a"], **about}, "Tag(s) 'x:a' not found")


@pytest.mark.parametrize("tag", ["", "a b", "ä", "x" * 129])
def test_tags_that_may_not_be(bench: Bench, tag: str) -> None:
    assert bench.fails({"OP_ID": "OP_TAGS_SET", "kind": "cluster", "tags": [tag]})[0] == "TagError"
