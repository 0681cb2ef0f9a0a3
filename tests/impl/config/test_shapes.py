"""Objects of the configuration: what is taken as one, and each refusal."""

from typing import Any

import pytest

from impl.config.errors import ConfigurationError
from impl.config.model import from_value, parse
from impl.config.shapes import check_object
from impl.limits import MAX_CONFIG_DEPTH, MAX_NAME_LENGTH

MINIMAL: dict[str, Any] = {"version": 1, "serial_no": 1, "cluster": {}}
NESTED = '{"version":1,"serial_no":1,"cluster":{},"later":%s}'


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("nodes", {}),
        ("nodes", {"uuid": "u", "name": None, "offline": True, "serial_no": 5, "unknown": {"any": [1.5]}}),
        ("instances", {"nics": [], "disks": ["d"], "network_port": None}), ("instances", {"nics": [{"mac": "a"}]}),
        ("disks", {"logical_id": ["vg", 1, None], "children": [{"children": []}], "size": 0}),
        ("nodegroups", {"members": [], "networks": {}}), ("networks", {"reservations": "0" * 65_536}),
        ("filters", {"predicates": [["jobid", None]], "action": ["RATE_LIMIT", 1]}),
        ("cluster", {"tcpudp_port_pool": [1]}),
    ],
)  # fmt: skip
def test_what_is_taken(section: str, value: Any) -> None:
    check_object(section, value)


@pytest.mark.parametrize(
    ("section", "value", "said"),
    [
        ("nodes", {"uuid": "u", "name": "1" * 5000}, "the object 'u' of nodes is none: .*name"),
        ("nodes", {"name": ["n"]}, r"\$\.name"), ("nodes", {"serial_no": "7"}, r"\$\.serial_no"),
        ("nodes", {"serial_no": -1}, r"\$\.serial_no"), ("nodes", {"mtime": 1e300}, r"\$\.mtime"),
        ("nodes", {"offline": "yes"}, r"\$\.offline"), ("nodes", {"tags": "web"}, r"\$\.tags"),
        ("nodegroups", {"name": "x" * (MAX_NAME_LENGTH + 1)}, r"\$\.name"),
        ("instances", {"nics": None}, r"\$\.nics"), ("instances", {"nics": [{"mac": 5}]}, r"\$\.nics\[0\]\.mac"),
        ("instances", {"disks": [{}]}, r"\$\.disks"), ("instances", {"network_port": 65_536}, r"\$\.network_port"),
        ("disks", {"children": [{"children": [{"size": -1}]}]}, r"\.size"),
        ("disks", {"logical_id": "x"}, "logical_id"),
        ("filters", {"priority": -1}, r"\$\.priority"),
        ("cluster", {"tcpudp_port_pool": [70_000]}, "the cluster is none"),
        ("cluster", [], "the cluster is none"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named(section: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        check_object(section, value)


def test_a_whole_configuration_is_checked_object_by_object() -> None:
    from_value({**MINIMAL, "nodes": {"u": {"uuid": "u", "name": "n"}}})
    with pytest.raises(ConfigurationError, match="the object 'u' of nodes"):
        from_value({**MINIMAL, "nodes": {"u": {"uuid": "u", "name": 5}}})
    with pytest.raises(ConfigurationError, match="the cluster"):
        from_value({**MINIMAL, "cluster": {"highest_used_port": "x"}})
    with pytest.raises(ConfigurationError, match="a key of 'nodes'"):
        from_value({**MINIMAL, "nodes": {"1" * 5000: {}}})


def test_a_configuration_file_is_no_deeper_than_what_can_be_sent() -> None:
    def nested(levels: int) -> bytes:
        return (NESTED % ("[" * levels + "]" * levels)).encode()

    assert parse(nested(MAX_CONFIG_DEPTH - 1)).serial == 1
    for levels in (MAX_CONFIG_DEPTH, 970, 5000):
        with pytest.raises(ConfigurationError, match="nested deeper"):
            parse(nested(levels))
    with pytest.raises(ConfigurationError, match="more than 19 digits"):
        parse((NESTED % ("1" * 300)).encode())
