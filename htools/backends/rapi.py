"""The RAPI backend: reads the cluster from the remote API over HTTP, or from a directory of saved answers.

An address is a host (then port 5080 over HTTPS), a URL, or `file://` and a directory with groups.json, nodes.json,
instances.json and info.json. A URL may hold a user and a password. Certificates are not checked, as with Ganeti's
tools: clusters sign their own.

Source: Ganeti's remote API documentation; the resources and keys that htools 3.0.2 reads.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from htools.backends.files import decode_text, read_bytes
from htools.backends.jsonfields import Fields, decode, disks_of, indices, no_json_of, policy_of
from htools.backends.malformed import TOP_LEVEL
from htools.backends.phrases import NOT_AN_OBJECT, reading
from htools.errors import LoadError
from spec.allocator.cluster import (
    AllocPolicy,
    Cluster,
    DiskTemplate,
    Group,
    Hypervisor,
    Instance,
    InstanceStatus,
    Node,
)

PORT = 5080
TIMEOUT = 60.0
"""Seconds that one answer may take."""
DEFAULT_GROUP = "00000000-0000-0000-0000-000000000000"
_RESOURCES = {"groups": "groups?bulk=1", "nodes": "nodes?bulk=1", "instances": "instances?bulk=1", "info": "info"}
_FILE = "file://"
_CALLED = {"groups": "group data", "nodes": "node data", "instances": "instance data", "info": "cluster info"}
_BEFORE = {
    "group": "Group '{}': ",
    "node": "Node '{}', error while parsing data: ",
    "instance": "Instance '{}', error while parsing data: ",
}
"""Ganeti's names of the answers, and the begin of its errors about an object of one."""


def _from_file(directory: str, name: str) -> bytes:
    path = os.path.join(directory, f"{name}.json")
    data = read_bytes(path)
    decode_text(path, data)
    return data


def _parted(address: str) -> tuple[str, str]:
    """Return the address without user and password, and these two as written."""
    scheme, slashes, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    login, _, host = host.rpartition("@")
    return f"{scheme}{slashes}{host}{slash}{path}", login


def _shown(address: str) -> str:
    """Return the address as messages name it."""
    return _parted(address)[0]


def _login(written: str) -> dict[str, str]:
    """Return the header with user and password, if the address holds them."""
    if not written:
        return {}
    from base64 import b64encode
    from urllib.parse import unquote_to_bytes

    user, _, password = written.partition(":")
    both = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return {"Authorization": f"Basic {b64encode(both).decode()}"}


def _from_web(base: str, name: str) -> bytes:
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """Refuses redirections: another server must not learn the user and the password."""

        def redirect_request(self, *_: object) -> None:
            return None

    url, login = _parted(f"{base}/2/{_RESOURCES[name]}")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        request = Request(url if "://" in url else f"http://{url}", headers=_login(login))  # noqa: S310 - any scheme
        with build_opener(HTTPSHandler(context=context), Stay()).open(request, timeout=TIMEOUT) as answer:
            data: bytes = answer.read()
            return data
    except (URLError, HTTPException, OSError, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        inner = getattr(error, "reason", None) or error
        reason = f"expected an answer of the remote API, found: {inner}"
        raise LoadError(url, reason, phrase=_curl_phrase(url, name, error)) from None


def _curl_phrase(url: str, name: str, error: Exception) -> str:
    """Return Ganeti's text about an address that gives no answer, with its library's name for the fault."""
    import socket
    import ssl
    from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
    from urllib.error import HTTPError, URLError

    if isinstance(error, HTTPError) and error.code < 400:
        return f"Parsing {_CALLED[name]}: {TOP_LEVEL}"
    inner = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
    match inner:
        case HTTPError():
            fault = "CurlHttpReturnedError"
        case RemoteDisconnected():
            fault = "CurlGotNothing"
        case BadStatusLine():
            fault = "CurlUnspportedProtocol"  # as the library spells it
        case IncompleteRead():
            fault = "CurlRecvError" if inner.expected is None else "CurlPartialFile"
        case ssl.SSLError():
            fault = "CurlSSLConnectError"
        case TimeoutError():
            fault = "CurlOperationTimeout"
        case _ if url.lower().startswith("file:"):
            fault = "CurlFileCouldntReadFile"
        case UnicodeError():
            fault = "CurlCouldntResolveHost"
        case socket.gaierror():
            fault = "CurlUrlMalformat" if inner.errno == socket.EAI_SERVICE else "CurlCouldntResolveHost"
        case OSError():
            fault = "CurlCouldntConnect"
        case str() if inner.startswith("unknown url type"):
            fault = "CurlUnspportedProtocol"
        case _:
            fault = "CurlUrlMalformat"
    return f"Curl error for '{url}', error {fault}"


def _objects(source: str, what: str, value: Any) -> Iterator[Fields]:
    """Yield the fields of each object of a list, all of which must be objects."""
    parsing = f"Parsing {what} data: "
    if not isinstance(value, list):
        raise LoadError(source, f"expected a list of {what}s", phrase=no_json_of("list", value, parsing))
    for number, item in enumerate(value, 1):
        if not isinstance(item, dict):
            Fields.of(source, f"{what} {number}", item, phrase=f"{parsing}Unable to read JSObject")
    for number, item in enumerate(value, 1):
        name = item.get("name")
        if type(name) is not str:
            Fields(source, f"{what} {number}", item, f"Parsing new {what}: ").text("name")
        yield Fields(source, f"{what} '{name}'", item, _BEFORE[what].format(name))


def _group(fields: Fields) -> Group:
    return Group(
        name=fields.text("name"),
        uuid=fields.text("uuid"),
        alloc_policy=fields.choice("alloc_policy", AllocPolicy),
        policy=policy_of(fields, "ipolicy"),
        tags=fields.texts("tags"),
    )


def _node(fields: Fields, groups: Mapping[str, int]) -> Node:
    name = fields.text("name")
    offline, drained = fields.flag("offline"), fields.flag("drained")
    vm_capable = fields.flag("vm_capable") if fields.has("vm_capable") else True
    parameters = fields.inner("ndparams", NOT_AN_OBJECT)
    exclusive = parameters.flag("exclusive_storage")
    uuid = fields.text("group.uuid") if fields.has("group.uuid") else DEFAULT_GROUP
    if uuid not in groups:
        phrase = f"Unknown group '{uuid}' for node {name}"
        raise fields.error("group.uuid", "the UUID of a known group", phrase=phrase)
    live = not offline and vm_capable
    spindles = 0 if exclusive else parameters.integer("spindle_count")
    if exclusive and live:
        spindles = fields.integer("sptotal")
    return Node(
        name=name,
        group=groups[uuid],
        free_spindles=fields.bare.integer("spfree") if live and fields.has("spfree") else 0,
        total_memory=fields.number("mtotal") if live else 0.0,
        node_memory=fields.integer("mnode") if live else 0,
        free_memory=fields.integer("mfree") if live else 0,
        total_disk=fields.bare.number("dtotal") if live and fields.has("dtotal") else 0.0,
        free_disk=fields.bare.integer("dfree") if live and fields.has("dfree") else 0,
        total_cpus=fields.number("ctotal") if live else 0.0,
        node_cpus=fields.integer("cnos") if live else 0,
        tags=fields.texts("tags"),
        spindles=spindles,
        exclusive_storage=exclusive,
        offline=not live or drained,
        drained=drained,
        vm_capable=vm_capable,
    )


def _memory(fields: Fields, parameters: Fields) -> int:
    """Return the instance's current MiB of memory, or its parameter if it does not run."""
    value = fields.values.get("oper_ram")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return fields.integer("oper_ram")
    if "oper_ram" not in fields.values:
        raise fields.error("oper_ram", "an integer or null")
    try:
        return parameters.integer("memory" if parameters.has("memory") else "maxmem")
    except LoadError as error:
        wording = "; ".join(
            parameters.phrase(key, reading("Int", parameters.values.get(key))) for key in ("memory", "maxmem")
        )
        raise LoadError(error.source, error.reason, field=error.field, phrase=error.phrase and wording) from None


def _instance(fields: Fields, nodes: Mapping[str, int]) -> Instance:
    name = fields.text("name")

    def unknown(node: str) -> str:
        return f"Unknown node '{node}' for instance {name}"

    size, sizes = fields.integer("disk_usage"), fields.integers("disk.sizes")
    disks = disks_of(sizes, fields.integers_or_nulls("disk.spindles"))
    parameters = fields.inner("beparams")
    instance = Instance(
        name=name,
        memory=_memory(fields, parameters),
        vcpus=parameters.integer("vcpus"),
        primary=fields.place("pnode", nodes, "node", unknown),
        secondary=fields.place_at("snodes", 0, nodes, "node", unknown) if fields.items("snodes") else None,
        status=fields.choice("status", InstanceStatus),
        tags=fields.texts("tags"),
        auto_balance=parameters.flag("auto_balance"),
        disk_template=fields.choice("disk_template", DiskTemplate),
        spindle_use=parameters.integer("spindle_use"),
        disk=size,
        disks=disks,
        forthcoming=fields.values.get("forthcoming") is True,
    )
    if instance.disk_template is DiskTemplate.DRBD and instance.secondary in {None, instance.primary}:
        raise fields.error("snodes", "another node than the primary as its secondary")
    return instance


def parse(source: str, answers: Mapping[str, bytes]) -> Cluster:
    """Return the cluster from the four answers (by resource), read in the order in which Ganeti reports their errors.

    Raises:
        LoadError: with the object, the key and what was expected.
    """

    def decoded(name: str) -> Any:
        return decode(f"{source}, {name}", answers[name], f"Parsing {_CALLED[name]}: ")

    groups = tuple(_group(fields) for fields in _objects(f"{source}, groups", "group", decoded("groups")))
    group_at = indices(source, "group", [group.uuid for group in groups])
    rows = _objects(f"{source}, nodes", "node", decoded("nodes"))
    plain_nodes = tuple(_node(fields, group_at) for fields in rows)
    node_at = indices(source, "node", [node.name for node in plain_nodes])
    rows = _objects(f"{source}, instances", "instance", decoded("instances"))
    instances = tuple(_instance(fields, node_at) for fields in rows)
    indices(source, "instance", [instance.name for instance in instances])
    answer = decoded("info")
    phrase = no_json_of("JSObject", answer, f"Parsing {_CALLED['info']}: ")
    info = Fields.of(f"{source}, info", "the cluster", answer, "Parsing cluster data: ", phrase)
    master, tags, policy = info.text("master"), info.texts("tags"), policy_of(info, "ipolicy")
    hypervisor = info.choice("default_hypervisor", Hypervisor)
    if master not in node_at:
        raise info.error("master", "the name of a node of the cluster", phrase=f"Master node {master} unknown")
    nodes = tuple(replace(node, master=node.name == master, hypervisor=hypervisor) for node in plain_nodes)
    return Cluster(groups, nodes, instances, tags, policy)


def load(address: str) -> Cluster:
    """Read the cluster behind an address.

    Raises:
        LoadError: nobody answers, or the answer cannot be used.
    """
    if address.startswith(_FILE):
        directory = address.removeprefix(_FILE)
        return parse(address, {name: _from_file(directory, name) for name in _RESOURCES})
    base = address if ":" in address else f"https://{address}:{PORT}"
    return parse(_shown(base), {name: _from_web(base, name) for name in _RESOURCES})
