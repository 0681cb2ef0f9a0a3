"""What tags mean to the allocator: exclusion, migration, location.

Pure functions from tags to tags. The conventions are the cluster's: a cluster tag `htools:iextags:P` makes every
instance tag that begins with P an exclusion tag, and so on.

Source: man htools(1), section on tags; Ganeti design documents on location tags and on desired location.
"""

from collections.abc import Iterable

EXCLUSION = "htools:iextags:"
STANDBY = "htools:standby:"
STANDBY_AUTO = "htools:standby:auto"
MIGRATION = "htools:migration:"
ALLOW_MIGRATION = "htools:allowmigration:"
LOCATION = "htools:nlocation:"
DESIRED_LOCATION = "htools:desiredlocation:"


def _rest(kind: str, tags: Iterable[str]) -> tuple[str, ...]:
    """Return what follows the kind in the tags that are longer than the kind."""
    return tuple(tag[len(kind) :] for tag in tags if tag.startswith(kind) and tag != kind)


def exclusion_prefixes(cluster_tags: Iterable[str]) -> tuple[str, ...]:
    """Return prefixes that make an instance's tag an exclusion tag."""
    return _rest(EXCLUSION, cluster_tags)


def desired_location_prefixes(cluster_tags: Iterable[str]) -> tuple[str, ...]:
    """Return prefixes that make an instance's tag the name of a location it wants its primary node to have."""
    return _rest(DESIRED_LOCATION, cluster_tags)


def with_prefixes(tags: Iterable[str], prefixes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags that begin with one of the prefixes, in their order, repeated ones kept."""
    return tuple(tag for tag in tags if tag.startswith(prefixes))


def _node_tags(kind: str, cluster_tags: Iterable[str], node_tags: Iterable[str]) -> frozenset[str]:
    prefixes = tuple(tag[len(kind) :] + ":" for tag in cluster_tags if tag.startswith(kind))
    return frozenset(tag for tag in node_tags if tag.startswith(prefixes))


def migration_tags(cluster_tags: Iterable[str], node_tags: Iterable[str]) -> frozenset[str]:
    """Return the tags that a node must accept to receive instances from this node."""
    return _node_tags(MIGRATION, cluster_tags, node_tags)


def accepted_migration_tags(cluster_tags: Iterable[str], node_tags: Iterable[str]) -> frozenset[str]:
    """Return migration tags of the nodes that this node may receive from: its own, and those that a cluster tag allows.

    `htools:allowmigration:FROM::TO` lets a node tagged TO receive from one tagged FROM; a tag with more than one
    double colon is ignored.
    """
    cluster_tags = tuple(cluster_tags)
    own = migration_tags(cluster_tags, node_tags)
    allowed = [tag[len(ALLOW_MIGRATION) :] for tag in cluster_tags if tag.startswith(ALLOW_MIGRATION)]
    pairs = [tag.partition("::") for tag in allowed if "::" in tag]
    return own | {source for source, _, target in pairs if "::" not in target and target in own}


def location_tags(cluster_tags: Iterable[str], node_tags: Iterable[str]) -> frozenset[str]:
    """Return tags that name the places (failure domains) a node is in."""
    return _node_tags(LOCATION, cluster_tags, node_tags)


def is_standby(node_tags: Iterable[str]) -> bool:
    """Return whether a node is kept powered off as a reserve."""
    return any(tag.startswith(STANDBY) for tag in node_tags)
