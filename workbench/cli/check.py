"""``workbench check RECIPE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.options import DEFAULT_HOME, HomeOption, OnOption, RecipeArgument, SetOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table
    from rich.text import Text
    from rich.tree import Tree

    from workbench.recipe.estimate import Estimate
    from workbench.recipe.machine import Machine
    from workbench.recipe.plan import Node, Plan

#: More nodes than anyone reads, and deeper than a terminal is wide.
LISTED = 100
MAX_DEPTH = 10


def check(
    recipe: RecipeArgument,
    home: HomeOption = DEFAULT_HOME,
    sets: SetOption = None,
    on: OnOption = None,
) -> None:
    """Show what a recipe would make, what it needs, and what is wrong.

    Nothing is loaded, made or downloaded. All problems are told at once, each with its place.
    """
    from workbench.cli.console import open_console
    from workbench.cli.data_words import data_lines
    from workbench.cli.failure import tell_problems
    from workbench.cli.scan_words import scan_lines
    from workbench.cli.scoring_words import cached_data, scoring_line, to_score
    from workbench.cli.study_words import power_lines, study_lines
    from workbench.errors import UserError
    from workbench.recipe import scan_cost, scoring_cost
    from workbench.recipe.check import checked_plan
    from workbench.recipe.estimate import ASSUMPTIONS, estimate, totals
    from workbench.recipe.load import load_recipe
    from workbench.recipe.machine import machine_on, this_machine
    from workbench.recipe.room import disk_problems, made, memory_warnings
    from workbench.store.home import Home
    from workbench.terminal import printable

    if on is not None and on.strip().lower() == "list":
        open_console().print(_cards_table())
        return
    # A name that is not known is told before anything else is read.
    machine = this_machine() if on is None else machine_on(on)
    loaded = load_recipe(recipe, sets or ())
    tell_problems(loaded.notices, "notice")
    plan = checked_plan(loaded)
    estimates = estimate(plan, machine)
    there = made(plan, home)
    # On another machine everything is scored anew.
    scored = to_score(plan, home) if on is None else set(plan.nodes if plan.suite else ())
    cached = cached_data(plan) if on is None else set()

    console = open_console()
    console.print(f"{plan.name}-{plan.key}", style="bold")
    console.print(plan_tree(plan, there))
    for words in study_lines(plan, Home(home)):
        console.print(words, soft_wrap=True, markup=False, highlight=False)
    console.print(needs_table(plan, estimates, there))
    for line in scan_lines(plan, estimates, there):
        console.print(line)
    if (scoring := scoring_line(plan, estimates, scored, cached)) is not None:
        console.print(scoring)
    if plan.suite is not None and scored:
        for data in data_lines(plan.suite, here=on is None):
            console.print(printable(data), soft_wrap=True)
    ahead = {node.id for node in plan.nodes.values() if node.id not in there}
    sums = totals(estimates, ahead, scored, cached)
    unknown = sum(estimates[i].memory_bytes is None for i in ahead)
    console.print(_sums(plan, sums, there, unknown, with_scoring=bool(scored)))
    console.print(f"free memory: {_free(machine)}")
    for words in power_lines(plan):
        console.print(words, soft_wrap=True, markup=False, highlight=False)
    for claim in plan.claims:
        console.print(printable(claim.words))
    console.print(ASSUMPTIONS, style="dim")
    if any(each.scan for each in estimates.values()):
        console.print(scan_cost.ASSUMPTIONS, style="dim")
    if scored:
        console.print(scoring_cost.ASSUMPTIONS, style="dim")
    if machine.assumed:
        console.print(f"{machine.gpus}: the maker's data sheet, and {machine.assumed}", style="dim")
    tell_problems(memory_warnings(plan, machine, estimates, there, scored), "warning")
    # The disk of a machine that is only named is not known.
    lacking = disk_problems(plan, home, estimates) if on is None else []
    if lacking:
        raise UserError(lacking)


def plan_tree(plan: Plan, there: Mapping[str, Path]) -> Tree:
    """The plan as a tree: each output under its first parent, the other parents named beside it."""
    from rich.tree import Tree

    from workbench.cli.study_tables import base_words, ways
    from workbench.terminal import printable

    root = Tree("", hide_root=True)
    branches: dict[str, tuple[Tree, int]] = {}
    # A study's outputs are told by how many there are of each base.
    of_the_study = {node.id for nodes in ways(plan).values() for node in nodes}
    shown = [node for node in plan.nodes.values() if node.id not in of_the_study]
    for node in shown[:LISTED]:
        parents = [parent for parent in node.parents if parent in branches]
        above, depth = branches[parents[0]] if parents else (root, 0)
        text = _described(plan, node, there, named=depth == MAX_DEPTH or not parents)
        if words := base_words(plan, node, there):
            text.append(f"  {printable(words)}", style="not bold")
        branch = above.add(text)
        # A chain too deep to indent goes on at the same indent, each naming what it is made from.
        branches[node.id] = (above, depth) if depth == MAX_DEPTH else (branch, depth + 1)
    if len(shown) > LISTED:
        root.add(f"… and {len(shown) - LISTED} more")
    return root


def _described(plan: Plan, node: Node, there: Mapping[str, Path], named: bool) -> Text:
    from rich.text import Text

    text = Text(node.id, style="bold")
    layers = f", {node.layers} layers" if node.layers else ""
    if node.kind == "base":
        text.append(f"  {_source(node)}{layers}", style="not bold dim")
        return text
    text.append(f"  {node.kind}", style="not bold")
    if named:
        text.append(f" of {node.parents[0]}", style="not bold")
    if node.parents[1:]:
        text.append(f" with {', '.join(node.parents[1:])}", style="not bold")
    text.append(layers, style="not bold dim")
    if node.id in there:
        text.append(f"  made: adapters/{there[node.id].name}", style="not bold green")
    else:
        text.append("  to make", style="not bold yellow")
    return text


def needs_table(plan: Plan, estimates: Mapping[str, Estimate], there: Mapping[str, Path]) -> Table:
    """Memory, disk and time of each step; what is there already needs none to be made."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from workbench.cli.progress import duration
    from workbench.cli.study_tables import rows
    from workbench.recipe.sizes import human_bytes

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("step", overflow="fold")
    for column in ("memory", "disk", "time"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for each in rows(plan, estimates, there)[:LISTED]:
        table.add_row(
            Text(each.step),
            "?" if each.memory is None else human_bytes(each.memory),
            "there" if each.there else "?" if each.disk is None else human_bytes(each.disk),
            "" if each.there else "?" if each.seconds is None else duration(each.seconds),
            Text(each.note, style="dim"),
        )
    return table


def _cards_table() -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from workbench.recipe.hardware import cards

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in ("card", "memory", "16-bit TFLOP/s", "GB/s"):
        table.add_column(head, justify="left" if head == "card" else "right", no_wrap=True)
    for card in cards().values():
        table.add_row(
            card.name,
            f"{card.memory / 2**30:.0f} GB",
            f"{card.flops / 1e12:g}",
            f"{card.bandwidth / 1e9:g}",
        )
    return table


def _sums(
    plan: Plan,
    sums: Mapping[str, Any],
    there: Mapping[str, Path],
    unknown: int,
    *,
    with_scoring: bool,
) -> str:
    """How many outputs there are, and what those to make and to score need together."""
    from workbench.cli.progress import duration
    from workbench.recipe.sizes import human_bytes

    outputs = [n for n in plan.nodes.values() if n.kind != "base"]
    needs = (
        f"about {human_bytes(sums['disk_bytes'])} of disk and {duration(sums['seconds'])}"
        f"{' with the scoring' if with_scoring else ''}, "
        f"at most {human_bytes(sums['memory_bytes'])} of memory at once"
    )
    if unknown:
        steps = "1 step" if unknown == 1 else f"{unknown} steps"
        needs = f"{steps} of unknown size" + (
            f"; the others need {needs}" if unknown < len(plan.nodes) - len(there) else ""
        )
    made = f"{len(there)} made, {len(outputs) - len(there)} to make"
    return f"{len(outputs)} outputs, {made}: {needs}"


def _free(machine: Machine) -> str:
    from workbench.recipe.sizes import human_bytes

    if not machine.gpu:
        return human_bytes(machine.memory_free)
    each = " each" if machine.cards > 1 else ""
    return f"{machine.gpus}: {human_bytes(machine.gpu_free)}{each}"


def _source(node: Node) -> str:
    from workbench.terminal import printable

    quantised = ", 4-bit" if node.config.load_in_4bit else ""
    quantised += ", 8-bit" if node.config.load_in_8bit else ""
    return printable(node.config.base_model) + quantised
