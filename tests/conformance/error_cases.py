"""Wrong inputs of every kind, and what Ganeti's htools 3.0.2 say about each: a table of phrases.

In words, files and phrases `@` stands for the directory of the inputs. A phrase is all that Ganeti prints on standard
error, without the end of the line and, of wrong command lines, without the help that follows.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.conformance.error_values import (
    GROUP,
    INSTANCE,
    NODE,
    OTHER,
    POLICY,
    SAVED,
    changed,
    cluster,
    no_such,
    reports,
    requests,
    saved_answers,
    with_part,
)

LOADING = "Error: failed to load data, aborting: "
NOT_JSON = "Invalid JSON: a JSON text a serialized object or array at the top level."
_ANYWHERE = "Network.Socket.connect: <socket: 3>: does not exist"


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong input: a tool, its words, Ganeti's phrase and exit code, and the files by name."""

    tool: str
    words: str
    phrase: str
    code: int = 1
    files: Mapping[str, str | bytes] = field(default_factory=dict)


def _node(place: int, value: str) -> str:
    return cluster(nodes=f"{with_part(NODE, place, value)}\n{OTHER}")


def _inst(place: int, value: str) -> str:
    return cluster(instance=with_part(INSTANCE, place, value))


def _rule(place: int, value: str) -> str:
    return cluster(policy=with_part(POLICY, place, value))


_SECTIONS = "Invalid format of the input file: {} sections instead of 4 or more"
_TEXTS = (
    ("", _SECTIONS.format(0)),
    ("\n", _SECTIONS.format(2)),
    ("x\n\ny\n\nz\n", _SECTIONS.format(3)),
    (cluster(group="a|b"), 'Invalid/incomplete group data: \'["a","b"]\''),
    (cluster(group="a|b|wrong|"), 'Invalid string value for type AllocPolicy: "wrong"'),
    (cluster(nodes="n|1|2"), 'Invalid/incomplete node data: \'["n","1","2"]\''),
    (_node(1, "x"), "node0: cannot parse string 'x'"),
    (_node(2, "1.5"), "node0: cannot parse string '1.5'"),
    (_node(4, "1x"), "node0: leftover characters when parsing '1x': 'x'"),
    (_node(8, "none"), "Unknown group 'none' for node node0"),
    (_node(11, "x"), "Invalid exclusive_storage value for node 'node0': x"),
    (_node(14, "ü"), "node0: cannot parse string 'ü'"),
    (cluster(instance="i|1|2"), 'Invalid/incomplete instance data: \'["i","1","2"]\''),
    (_inst(1, "x"), "inst0: cannot parse string 'x'"),
    (_inst(4, "up"), 'Invalid string value for type InstanceStatus: "up"'),
    (_inst(5, "yes"), "Invalid auto_balance value 'yes' for instance inst0"),
    (_inst(6, "none"), "Unknown node 'none' for instance inst0"),
    (_inst(7, "none"), "Unknown node 'none' for instance inst0"),
    (_inst(7, "node1"), "Instance inst0 has same primary and secondary node - node1"),
    (_inst(8, "drbd8"), 'Instance inst0: Invalid string value for type DiskTemplate: "drbd8"'),
    (_inst(11, "1 "), "inst0: leftover characters when parsing '1 ': ' '"),
    (_inst(12, ""), "Invalid forthcoming value '' for instance inst0"),
    (_rule(0, "none"), "Wrong number of elems found with name none"),
    (_rule(1, "1,2"), 'Invalid ispec data for /stdspec: ["1","2"]'),
    (_rule(1, "1,1,x,1,1,1"), "/stdspec/disksize: cannot parse string 'x'"),
    (_rule(2, "1,1,1,1,1,1"), "Odd number of min/max specs for "),
    (_rule(2, "1,1,1,1,1,1;x,1,1,1,1,1"), "/maxspec/memsize: cannot parse string 'x'"),
    (_rule(3, "drbd,"), 'Invalid string value for type DiskTemplate: ""'),
    (_rule(4, "x"), "/vcpu_ratio: cannot parse string 'x'"),
    (cluster(policy="|1"), 'Invalid ipolicy data: \'["","1"]\''),
)
"""Files of clusters."""

_LOADS = (
    ("a\n", "Cannot parse line a"),
    ("a b c d e f g h\n", "Cannot parse line a b c d e f g h"),
    ("\n", "Cannot parse line "),
    ("inst cpu mem dsk net\n", "inst: cannot parse string 'cpu'"),
    ("inst 1 2 3 4x\n", "inst: leftover characters when parsing '4x': 'x'"),
    ("inst 1 2 3 4\n\n", "Cannot parse line "),
)
"""Files of utilisation."""

_JSON = (
    ("", NOT_JSON),
    ("nonsense", NOT_JSON),
    ("1", NOT_JSON),
    ("{", "Malformed JSON: expecting string: "),
    ('{"a":}', "Malformed JSON: invalid token in this context }"),
    ("{'a':1}", "Malformed JSON: expecting string: 'a':1}"),
    ('{"a" 1}', "Malformed JSON labelled field:  1}"),
    ('{"a":1 "b":2}', 'Unable to parse JSON object: unterminated sequence:  "b":2}'),
    ("[1 2]", "Unable to parse JSON array: unterminated array:  2]"),
    ("[tru]", "Unable to parse JSON Bool: tru]"),
    ("[-x]", "Unable to parse JSON Rational: ]"),
    ("[1e]", "Unable to parse JSON exponential: ]"),
    ('["a', "Unable to parse JSON String: unterminated String: "),
    ('["\\x"]', "Unable to parse JSON String: invalid escape char: 'x'"),
    ('["\\u12x4"]', 'Unable to parse JSON String: invalid hex: [(18,"x4'),
    ("{} x", 'Invalid tokens at end of JSON string: "x"'),
)
"""Texts that are no JSON."""


_SPEC = (
    "Invalid cluster specification, expected 6 comma-separated sections (allocation policy, node count, disk size, "
    "memory size, number of CPUs, spindles) but got "
)
_SIMULATED = (
    ("x", f"{_SPEC}1: 'x'"),
    ("p,1,1,1", f"{_SPEC}4: 'p,1,1,1'"),
    ("x,1,1,1,1", f"{no_such('AllocPolicy', 'x')}; Cannot parse AllocPolicy abbreviation 'x'"),
    ("p,x,1,1,1", "node count: cannot parse string 'x'"),
    ("p,1,1q,1,1", "disk size: Unknown unit 'q'"),
    ("p,1,1,x,1", "memory size: Can't parse string 'x'"),
    ("p,1,1,1,1x", "cpu count: leftover characters when parsing '1x': 'x'"),
    ("p,1,1,1,1,x", "spindles: cannot parse string 'x'"),
    ("p,1,1,1,1,1,true", "exclusive storage: cannot parse string 'true'"),
)
"""Specifications of imagined clusters."""

_ARGUMENTS = "Error while parsing command line arguments:\n"
_OPTIONS = (
    ("hbal", "--max-cpu 0", "Invalid value of the max-cpu ratio, expected >0"),
    ("hbal", "--min-disk x", "min free disk space: cannot parse string 'x'"),
    ("hbal", "-l 1.5", "max solution length: cannot parse string '1.5'"),
    ("hbal", "-e 1,5", "min score: leftover characters when parsing '1,5': ',5'"),
    ("hbal", "--mond=maybe", "Invalid choice 'maybe', pass one of 'yes' or 'no'"),
    ("hbal", "--priority=top", "Unknown priority 'top'"),
    ("hspace", "--disk-template lvm", no_such("DiskTemplate", "lvm")),
    ("hspace", "--disk-template=é", no_such("DiskTemplate", r"\233")),
    ("hspace", "--spindle-use -1", "Invalid value of the spindle-use (expected >= 0)"),
    ("hspace", "--standard-alloc 1,2", "Invalid standard specification: '1,2', expected disk,ram,cpu"),
    ("hspace", "--standard-alloc 1,2,x", "standard specs cpus: cannot parse string 'x'"),
    ("hspace", "--tiered-alloc 1q,2,3", "tiered specs disk: Unknown unit 'q'"),
    ("hsqueeze", "--target-resources=x", "target resources: cannot parse string 'x'"),
    ("hcheck", "--machine-readable=1", "Invalid choice '1', pass one of 'yes' or 'no'"),
)
"""Arguments of options."""

_TOOLS = ("hbal", "hcheck", "hinfo", "hroller", "hspace", "hsqueeze")
_ONE_SOURCE = "Error: Only one of the rapi, luxi, and data files options should be given."


def _files() -> Iterator[Case]:
    """Files and sockets that are not there, or are something else."""
    yield Case("hbal", "-t @none", f"{LOADING}@none: openFile: does not exist (No such file or directory)")
    yield Case("hbal", "-t @", f"{LOADING}@: openFile: inappropriate type (is a directory)")
    yield Case("hbal", "-t @t/x", f"{LOADING}@t/x: openFile: inappropriate type (Not a directory)", files={"t": ""})
    yield Case("hbal", "-I @none", f"{LOADING}@none: openFile: does not exist (No such file or directory)")
    yield Case("hail", "@none", "hail: @none: openFile: does not exist (No such file or directory)")
    unreadable = "hGetContents: invalid argument (invalid byte sequence)"
    yield Case("hbal", "-t @t", f"hbal: @t: {unreadable}", files={"t": b"\xff"})
    yield Case("hail", "@r", f"hail: @r: {unreadable}", files={"r": b'{"\xff'})
    yield Case("hinfo", "-I @r", f"{LOADING}@r: {unreadable}", files={"r": b'{"\xff'})
    saved = {"t": cluster()}
    missing = "openFile: does not exist (No such file or directory)"
    yield Case("hcheck", "-t @t -U @none", f"hcheck: @none: {missing}", files=saved)
    yield Case("hbal", "-t @t --mond --mond-data @none", f"hbal: @none: {missing}", files=saved)
    yield Case("hbal", "-t @t -S @none/x", f"hbal: @none/x.original: {missing}", files=saved)
    yield Case("hbal", "-t @t -C@", "hbal: @: openFile: inappropriate type (Is a directory)", files=saved)
    for name in ("groups", "nodes", "instances", "info"):
        whole = {f"{key}.json": json.dumps(value) for key, value in saved_answers().items() if key != name}
        yield Case("hbal", "-m file://@", f"{LOADING}@{name}.json: {missing}", files=whole)
    yield Case(
        "hbal", "-m localhost:1", f"{LOADING}Curl error for 'localhost:1/2/groups?bulk=1', {_curl('CouldntConnect')}"
    )
    yield Case(
        "hbal",
        "-m http://127.0.0.1:x",
        f"{LOADING}Curl error for 'http://127.0.0.1:x/2/groups?bulk=1', {_curl('UrlMalformat')}",
    )
    for tool in _TOOLS:
        yield Case(tool, "-L@none", f"{LOADING}{_ANYWHERE} (No such file or directory)")
    yield Case("hbal", "-L@t", f"{LOADING}{_ANYWHERE} (Connection refused)", files={"t": ""})
    yield Case("hscan", "-L@none", f"hscan: {_ANYWHERE} (No such file or directory)")


def _curl(name: str) -> str:
    return f"error Curl{name}"


def _lines() -> Iterator[Case]:
    """Command lines: unknown options, missing arguments, contradictions, stray words."""
    for tool in (*_TOOLS, "hail", "hscan"):
        yield Case(tool, "--none -Z", "Command line error: unrecognized option `--none'\nunrecognized option `-Z'", 2)
        yield Case(tool, "--version=1", "Command line error: option `--version' doesn't allow an argument", 2)
        yield Case(tool, "-v --sav", _save(tool), 2)
    for tool in _TOOLS:
        yield Case(tool, "word", "Error: This program doesn't take any arguments.")
        yield Case(tool, "", f"{LOADING}No backend selected! Exiting.")
        yield Case(tool, "-t @none -L", _ONE_SOURCE)
    yield Case("hbal", "-t @none -m x", _ONE_SOURCE)
    yield Case("hail", "", "Error: This program needs an input file.")
    yield Case("hail", "a b", "Error: Only one argument is accepted (the input file)")
    for tool, words, phrase in _OPTIONS:
        yield Case(tool, words, _ARGUMENTS + phrase)
    saved = {"t": cluster()}
    crowded = cluster(
        nodes=f"{with_part(NODE, 5, '958784')}\n{with_part(with_part(OTHER, 5, '958784'), 3, '6656')}",
        instance=f"{INSTANCE}\n{with_part(INSTANCE, 0, 'inst1')}",
    )
    expected = "Error: hbal: Execution of commands possible only on LUXI"
    yield Case("hbal", "-t @t -X", expected, files={"t": crowded})
    yield Case("hbal", "-t @t -O none", "Error: wrong node name(s) set as offline: none\n", files=saved)
    yield Case("hbal", "-t @t --select-instances a,b", f'{LOADING}Unknown instance(s): ["a","b"]', files=saved)
    yield Case(
        "hbal",
        "-t @t -G none",
        "Node group none not found. Node group list is:\n  group0\nError: Aborting.",
        files=saved,
    )
    yield Case("hroller", "-t @t -G none", "Error: Cannot find target group.", files=saved)
    nobody = {"t": cluster(nodes=with_part(NODE, 7, "N") + f"\n{OTHER}")}
    yield Case("hroller", "-t @t", "Error: No master node found (maybe not supported by backend).", files=nobody)
    both = {"t": cluster(nodes=f"{NODE}\n{with_part(OTHER, 7, 'M')}")}
    yield Case("hroller", "-t @t", 'Error: Found more than one master node: ["node0","node1"]', files=both)
    groups = cluster(
        group=f"{GROUP}\ngroup1|uuid-1|preferred||",
        nodes=f"{NODE}\n{with_part(OTHER, 8, 'uuid-1')}",
        instance=with_part(with_part(INSTANCE, 7, ""), 8, "plain"),
    )
    warning = "Warning: cluster has inconsistent data:\n  - node node0 is missing 0 MB ram and 20 GB disk\n\n"
    expected = f"{warning}Found multiple node groups:\n  group0\n  group1\nError: Aborting."
    yield Case("hbal", "-t @t", expected, files={"t": groups})


def _save(tool: str) -> str:
    if tool in {"hcheck", "hinfo", "hscan"}:
        return "Command line error: unrecognized option `--sav'"
    return "Command line error: option `--sav' requires an argument FILE"


def cases() -> Iterator[Case]:
    """Yield every case of the table."""
    yield from _files()
    yield from _lines()
    for content, phrase in _TEXTS:
        yield Case("hbal", "-t @t", LOADING + phrase, files={"t": content})
    for content, phrase in _LOADS:
        yield Case(
            "hbal",
            "-t @t -U @u",
            f"Error: can't parse utilisation data: {phrase}",
            files={"t": cluster(), "u": content},
        )
    saved = {f"{key}.json": json.dumps(value) for key, value in saved_answers().items()}
    for content, phrase in _JSON:
        expected = f"Parsing input IAllocator message: {phrase}"
        yield Case("hail", "@r", f"Error: {expected}", files={"r": content})
        yield Case("hbal", "-I @r", f"Error: {expected}", files={"r": content})
        expected = f"{LOADING}Parsing node data: {phrase}"
        yield Case("hbal", "-m file://@", expected, files=saved | {"nodes.json": content})
        expected = f"Error: can't parse MonD data: Parsing MonD's answer: {phrase}"
        yield Case("hbal", "-t @t --mond --mond-data @m", expected, files={"t": cluster(), "m": content})
    yield Case("hail", "@r", "Error: Parsing input IAllocator message: Unable to read JSObject", files={"r": "[]"})
    yield Case(
        "hail",
        "@r",
        "Error: invalid iallocator message: key 'request' not found, object contains only []",
        files={"r": "{}"},
    )
    for content, phrase in requests():
        yield Case("hail", "@r", f"Error: {phrase}", files={"r": content})
    for path, new, phrase in SAVED:
        answers = json.loads(changed(saved_answers(), path, new))
        files = {f"{key}.json": json.dumps(value) for key, value in answers.items()}
        yield Case("hbal", "-m file://@", LOADING + phrase, files=files)
    for content, phrase in reports():
        expected = f"Error: can't parse MonD data: {phrase}"
        yield Case("hbal", "-t @t --mond --mond-data @m", expected, files={"t": cluster(), "m": content})
    for words, phrase in _SIMULATED:
        yield Case("hspace", f"--simulate={words}", LOADING + phrase)
