"""The RAPI backend: reads the cluster from the remote API over HTTP, or from a directory of saved answers.

An address is a host (then port 5080 over HTTPS), a URL, or `file://` and a directory with groups.json, nodes.json,
instances.json and info.json. A URL may hold a user and a password. Certificates are not checked, as with Ganeti's
tools: clusters sign their own.

Source: Ganeti's remote API documentation; the resources and keys that htools 3.0.2 reads.
"""

from collections.abc import Mapping
from typing import Any

from htools.backends.jsonfields import Fields, decode, disks_of, indices, policy_of
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


def _from_file(directory: str, name: str) -> bytes:
    path = f"{directory.rstrip('/')}/{name}.json"
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise LoadError(path, f"cannot be read: {error.strerror}") from None


def _parted(address: str) -> tuple[str, str]:
    """The address without the user and password that it may hold, and those two as it writes them."""
    scheme, slashes, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    login, _, host = host.rpartition("@")
    return f"{scheme}{slashes}{host}{slash}{path}", login


def _shown(address: str) -> str:
    """The address as messages name it."""
    return _parted(address)[0]


def _login(written: str) -> dict[str, str]:
    """The header that tells who asks, where the address holds it."""
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
        reason = getattr(error, "reason", None) or error
        if isinstance(error, HTTPError):
            error.close()
        raise LoadError(url, f"expected an answer of the remote API, found: {reason}") from None


def _objects(source: str, what: str, value: Any) -> list[Fields]:
    if not isinstance(value, list):
        raise LoadError(source, f"expected a list of {what}s")
    found = []
    for number, item in enumerate(value, 1):
        fields = Fields.of(source, f"{what} {number}", item)
        found.append(Fields(source, f"{what} '{fields.text('name')}'", fields.values))
    return found


def _group(fields: Fields) -> Group:
    return Group(
        name=fields.text("name"),
        uuid=fields.text("uuid"),
        alloc_policy=fields.choice("alloc_policy", AllocPolicy),
        policy=policy_of(fields, "ipolicy"),
        tags=fields.texts("tags"),
    )


def _node(fields: Fields, groups: Mapping[str, int], master: str, hypervisor: str) -> Node:
    offline, drained = fields.flag("offline"), fields.flag("drained")
    vm_capable = fields.flag("vm_capable") if fields.has("vm_capable") else True
    live = not offline and vm_capable
    parameters = fields.inner("ndparams")
    exclusive = parameters.flag("exclusive_storage")
    uuid = fields.text("group.uuid") if fields.has("group.uuid") else DEFAULT_GROUP
    if uuid not in groups:
        raise fields.error("group.uuid", "the UUID of a known group")
    spindles = 0 if exclusive else parameters.integer("spindle_count")
    if exclusive and live:
        spindles = fields.integer("sptotal")
    return Node(
        name=fields.text("name"),
        group=groups[uuid],
        total_memory=fields.number("mtotal") if live else 0.0,
        node_memory=fields.integer("mnode") if live else 0,
        free_memory=fields.integer("mfree") if live else 0,
        total_disk=fields.number("dtotal") if live and fields.has("dtotal") else 0.0,
        free_disk=fields.integer("dfree") if live and fields.has("dfree") else 0,
        total_cpus=fields.number("ctotal") if live else 0.0,
        node_cpus=fields.integer("cnos") if live else 0,
        spindles=spindles,
        free_spindles=fields.integer("spfree") if live and fields.has("spfree") else 0,
        exclusive_storage=exclusive,
        offline=not live or drained,
        drained=drained,
        vm_capable=vm_capable,
        master=fields.text("name") == master,
        tags=fields.texts("tags"),
        hypervisor=hypervisor,
    )


def _memory(fields: Fields, parameters: Fields) -> int:
    """What the instance has now, or its parameter where it does not run."""
    value = fields.values.get("oper_ram")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return fields.integer("oper_ram")
    if "oper_ram" not in fields.values:
        raise fields.error("oper_ram", "an integer or null")
    return parameters.integer("memory" if parameters.has("memory") else "maxmem")


def _instance(fields: Fields, nodes: Mapping[str, int]) -> Instance:
    parameters = fields.inner("beparams")
    template = fields.choice("disk_template", DiskTemplate)
    primary = fields.place("pnode", nodes, "node")
    secondary = fields.place_at("snodes", 0, nodes, "node") if fields.items("snodes") else None
    if template is DiskTemplate.DRBD and secondary in {None, primary}:
        raise fields.error("snodes", "another node than the primary as its secondary")
    spindles = fields.integers_or_nulls("disk.spindles")
    return Instance(
        name=fields.text("name"),
        memory=_memory(fields, parameters),
        disk=fields.integer("disk_usage"),
        vcpus=parameters.integer("vcpus"),
        status=fields.choice("status", InstanceStatus),
        auto_balance=parameters.flag("auto_balance"),
        primary=primary,
        secondary=secondary,
        disk_template=template,
        disks=disks_of(fields.integers("disk.sizes"), spindles),
        tags=fields.texts("tags"),
        spindle_use=parameters.integer("spindle_use"),
        forthcoming=fields.values.get("forthcoming") is True,
    )


def parse(source: str, answers: Mapping[str, bytes]) -> Cluster:
    """The cluster from the four answers, by resource.

    Raises:
        LoadError: with the object, the key and what was expected.
    """
    decoded = {name: decode(f"{source}, {name}", data) for name, data in answers.items()}
    info = Fields.of(f"{source}, info", "the cluster", decoded["info"])
    master, hypervisor = info.text("master"), info.choice("default_hypervisor", Hypervisor)
    groups = tuple(_group(fields) for fields in _objects(f"{source}, groups", "group", decoded["groups"]))
    group_at = indices(source, "group", [group.uuid for group in groups])
    rows = _objects(f"{source}, nodes", "node", decoded["nodes"])
    nodes = tuple(_node(fields, group_at, master, hypervisor) for fields in rows)
    node_at = indices(source, "node", [node.name for node in nodes])
    if master not in node_at:
        raise info.error("master", "the name of a node of the cluster")
    rows = _objects(f"{source}, instances", "instance", decoded["instances"])
    instances = tuple(_instance(fields, node_at) for fields in rows)
    indices(source, "instance", [instance.name for instance in instances])
    return Cluster(groups, nodes, instances, info.texts("tags"), policy_of(info, "ipolicy"))


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
