"""Random small clusters in the text format for hspace and hsqueeze, made from one seed."""

import random

TEMPLATES = "drbd,plain,ext,rbd,sharedfile,diskless,file,blockdev,gluster"


def policy(rng: random.Random) -> str:
    """Return a policy line's fields after the owner; small sizes, so that tiers are few."""
    memory, disk, cpus = rng.choice([512, 1024]), rng.choice([1024, 2048]), rng.choice([1, 2])
    most = f"{memory * rng.choice([2, 4])},{cpus * rng.choice([1, 2])},{disk * rng.choice([1, 2])},16,8,12"
    names = TEMPLATES.split(",")
    rng.shuffle(names)
    ratio = rng.choice([4.0, 4.0, 2.0])
    return f"{memory},{cpus},{disk},1,1,1|128,1,256,1,1,1;{most}|{','.join(names)}|{ratio}|{rng.choice([32.0, 4.0])}"


def random_cluster(seed: int, *, squeeze: bool = False) -> str:
    """Return the text of a seed's cluster; for hsqueeze with shared storage and standby nodes."""
    rng = random.Random(seed)
    groups = 1 if squeeze else rng.choice([1, 1, 2])
    exclusive = not squeeze and rng.random() < 0.15
    lines = [f"group-{g}|uuid-{g}|{rng.choice(['preferred'] * 5 + ['last_resort'])}||" for g in range(groups)] + [""]
    nodes: list[dict[str, int]] = []
    styles = ["ext", "rbd", "sharedfile"] if squeeze else ["drbd", "drbd", "plain", "ext", "mixed"]
    style = rng.choice(styles)
    for _ in range(rng.randint(3, 7) if squeeze else rng.randint(2, 6)):
        memory = rng.choice([4096, 6144, 8192])
        disk = rng.choice([8192, 16384])
        nodes.append({"memory": memory, "free": memory - 256, "disk": disk, "free_disk": disk, "spindles": 4})
    homes = [rng.randrange(groups) for _ in nodes]
    standby = [squeeze and at > 0 and rng.random() < 0.25 for at in range(len(nodes))]
    offline = [standby[at] or (at > 0 and rng.random() < 0.06) for at in range(len(nodes))]
    instances = []
    for number in range(rng.randint(0, len(nodes) * (rng.choice([1, 2, 3]) if squeeze else 2))):
        template = style if style != "mixed" else rng.choice(["drbd", "plain", "ext"])
        if squeeze and rng.random() < 0.05:
            template = "plain"
        memory, disk = rng.choice([256, 512, 1024]), rng.choice([256, 512, 1024])
        primary = rng.randrange(len(nodes))
        peers = [at for at in range(len(nodes)) if at != primary and homes[at] == homes[primary]]
        if offline[primary] and rng.random() < 0.8:
            continue
        if template == "drbd" and not peers:
            template = "plain"
        places = [primary, *([rng.choice(peers)] if template == "drbd" else [])]
        local = template in {"drbd", "plain"}
        if nodes[primary]["free"] < memory or any(nodes[at]["free_disk"] < disk * local for at in places):
            continue
        nodes[primary]["free"] -= memory
        for at in places:
            nodes[at]["free_disk"] -= disk * local
            nodes[at]["spindles"] -= int(local and nodes[at]["spindles"] > 0)
        tags = rng.choice(["", "", "", "svc:a", "svc:b"])
        secondary = f"node{places[1]}" if template == "drbd" else ""
        status = rng.choice(["running"] * 8 + ["ADMIN_down"])
        if status != "running":
            nodes[primary]["free"] += memory
        head = f"inst{number}|{memory}|{disk}|{rng.choice([1, 1, 2])}|{status}|Y|node{primary}|{secondary}"
        instances.append(f"{head}|{template}|{tags}|1|1")
    for at, node in enumerate(nodes):
        state = "M" if at == 0 else "Y" if offline[at] else "N"
        free = node["free"] - (rng.choice([0, 0, 0, 300]) if not squeeze else 0)
        tags = "htools:standby:auto" if standby[at] else ""
        head = f"node{at}|{node['memory']}|256|{free}|{node['disk']}|{node['free_disk']}|{rng.choice([4, 8])}|{state}"
        lines.append(f"{head}|uuid-{homes[at]}|4|{tags}|{'Y' if exclusive else 'N'}|{node['spindles']}|1|1.0")
    lines += ["", *instances, ""]
    lines += ["htools:iextags:svc"] if rng.random() < 0.4 else []
    ours = policy(rng)
    lines += ["", f"|{ours}", *(f"group-{g}|{ours if rng.random() < 0.7 else policy(rng)}" for g in range(groups))]
    return "\n".join(lines) + "\n"
