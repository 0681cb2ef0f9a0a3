"""Verdicts about plans in words that an administrator knows."""

from checkers.plans.order import Impossible, Obstacle
from spec.allocator.cluster import Cluster
from spec.plans.model import Action, BadCommand, Command, Offence, Plan, Rule, Shortfall, Step


def command_text(cluster: Cluster, command: Command) -> str:
    """Return a command as an administrator would type it."""
    name = cluster.instances[command.instance].name
    node = "" if command.node is None else f" -n {cluster.nodes[command.node].name}"
    force = " -f" if command.action is not Action.REPLACE_DISKS else ""
    return f"gnt-instance {command.action.value}{force}{node} {name}"


def step_text(cluster: Cluster, step: Step) -> str:
    """Return a command with the job that it belongs to, counted from one as hbal counts them."""
    return f"job {step.job_set + 1}/{step.job + 1}: {command_text(cluster, step.command)}"


def reason_text(cluster: Cluster, reason: Shortfall | BadCommand, command: Command) -> str:
    """Describe what is wrong, as a sentence without a full stop."""
    nodes, instance = cluster.nodes, cluster.instances[command.instance].name
    node = "?" if reason.node is None else nodes[reason.node].name
    if isinstance(reason, BadCommand):
        match reason.rule:
            case Rule.DRAIN:
                return f"{node} is offline or drained and must not receive {instance}"
            case Rule.GROUP:
                return f"{node} is in another node group than {instance}"
            case Rule.RESTRICTED_MIGRATION:
                return f"{node} is not drained, and migration is restricted to leaving drained nodes"
            case Rule.MIGRATION_TAGS:
                return f"{node} does not allow the migration tag {reason.tag} of the node that {instance} leaves"
            case _:
                return _impossible(cluster, reason, command)
    match reason.rule:
        case Rule.MEMORY if reason.have <= 0:
            return f"the instances on {node} take all of its memory and {-reason.have} MiB more"
        case Rule.DISK:
            return f"the disks on {node} take all of its room and {-reason.have} MiB more"
        case Rule.CPU:
            return f"{reason.need} virtual cores are used on {node}, where {reason.have} are allowed"
        case Rule.EXCLUSION_TAGS:
            return f"{reason.need} instances with the exclusion tag {reason.tag} run on {node}"
        case _:
            peer = "?" if reason.peer is None else nodes[reason.peer].name
            return (
                f"{node} has {reason.have} MiB of memory left, and {reason.need} MiB would come to it if {peer} failed"
            )


def _impossible(cluster: Cluster, reason: BadCommand, command: Command) -> str:
    instance = cluster.instances[command.instance].name
    if reason.node is None:
        return f"{instance} has no other node that it could go to"
    node = cluster.nodes[reason.node].name
    if command.action is Action.REPLACE_DISKS:
        return f"{node} cannot become the secondary of {instance}: it is its primary or secondary, or there is none"
    return f"{instance} already runs on {node}"


def offence_text(cluster: Cluster, plan: Plan, offence: Offence) -> str:
    """Describe the offending step, the steps before it, and all that is wrong."""
    step, steps = offence.step, plan.steps
    lines = [f"command {len(offence.done)} of {len(steps)} is the first offending one:"]
    if offence.done != steps[: len(offence.done)]:
        lines = [
            f"{len(offence.done)} of {len(steps)} commands are enough, in an order that the job sets allow:",
            *(f"    {step_text(cluster, earlier)}" for earlier in offence.done[:-1]),
            "  and then",
        ]
    lines.append(f"    {step_text(cluster, step)}")
    bad = [reason for reason in offence.reasons if isinstance(reason, BadCommand)]
    lines.append("It must not be done, because" if bad else "After it,")
    lines += [f"  - {reason_text(cluster, reason, step.command)} ({reason.rule.value})" for reason in offence.reasons]
    return "\n".join(lines)


def script_text(cluster: Cluster, plan: Plan) -> str:
    """Return a plan as a script that can be read again or run."""
    lines = []
    for set_number, jobs in enumerate(plan.job_sets, start=1):
        lines += ["", f"echo jobset {set_number}, {len(jobs)} jobs"]
        for number, job in enumerate(jobs, start=1):
            lines.append(f"  echo job {set_number}/{number}")
            lines += [f"  {command_text(cluster, command)}" for command in job.commands]
    return "\n".join(lines[1:])


def impossible_text(cluster: Cluster, plan: Plan, impossible: Impossible) -> str:
    """Explain why no order of the jobs is safe: obstacles, each of which is needed for the contradiction."""
    jobs = [(f"{s}/{j}", job) for s, jobs in enumerate(plan.job_sets, 1) for j, job in enumerate(jobs, 1)]
    names = []
    for number, job in jobs:
        moved = dict.fromkeys(cluster.instances[command.instance].name for command in job.commands)
        names.append(f"{', '.join(moved)} (job {number})")
    lines = ["no order of these jobs is safe:"]
    lines += [f"  - {_obstacle(cluster, obstacle, names)}" for obstacle in impossible.obstacles]
    if len(impossible.obstacles) > 1:
        lines.append("Each of these can be avoided, and not all of them.")
    return "\n".join(lines)


def _obstacle(cluster: Cluster, obstacle: Obstacle, names: list[str]) -> str:
    command = obstacle.step.command
    what = f"{command_text(cluster, command)}: {reason_text(cluster, obstacle.reason, command)}"
    if not obstacle.undone:
        return f"{what}, whatever is done before"
    return f"{what}, unless one of these comes before: {'; '.join(names[job] for job in obstacle.undone)}"
