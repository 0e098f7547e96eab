"""What ``workbench check`` says of the scans of a recipe: paths, items, passes, time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

    from workbench.recipe.estimate import Estimate
    from workbench.recipe.plan import Plan
    from workbench.recipe.scan_cost import ScanCost

#: More scans than anyone reads.
MOST = 100


def scan_lines(
    plan: Plan, estimates: Mapping[str, Estimate], there: Mapping[str, Path]
) -> list[Text]:
    """A line for each scan to make: paths, items, passes, time with and without sharing, memory."""
    from rich.text import Text

    lines: list[Text] = []
    for node in plan.nodes.values():
        cost = estimates[node.id].scan
        if cost is not None and node.id not in there and len(lines) < MOST:
            line = Text(node.id, style="bold")
            line.append(f"  {_scan_words(cost, estimates[node.id])}", style="not bold")
            lines.append(line)
    return lines


def _scan_words(cost: ScanCost, needs: Estimate) -> str:
    from workbench.cli.progress import duration
    from workbench.recipe.sizes import human_bytes
    from workbench.terminal import printable

    about = "about " if cost.about else ""
    searches: dict[str, int] = {}
    for count in cost.searches:
        searches[count.search] = searches.get(count.search, 0) + count.paths
    of = ", ".join(f"{paths:,} {search}" for search, paths in searches.items())
    items = " + ".join(
        f"{each.search} {printable(each.called)}" + (" (guessed)" if each.guessed else "")
        for each in cost.probes
    )
    held_out = sum(each.held_out for each in cost.probes)
    words = [
        f"{about}{cost.paths:,} paths ({of}) on {items} items, winners on {held_out} others",
        f"{cost.passes:,} layer passes an item ({cost.alone_passes:,} path by path)",
        f"about {duration(needs.seconds or 0.0)}; "
        f"one path after the other {duration(cost.alone_seconds)}",
    ]
    if cost.share < 1:
        words.append(f"racing measures at most {cost.share:.0%} of the pairs")
    if cost.reads:
        words.append(f"the layers are read from disk about {cost.reads:,} times")
    if cost.scratch:
        words.append(f"{human_bytes(cost.scratch)} of disk for the 4-bit layers meanwhile")
    words.append(
        f"memory: {human_bytes(cost.weights)} of weights + {human_bytes(cost.held)} of states; "
        f"disk: {human_bytes(cost.disk)}"
    )
    return "; ".join(words)
