"""What ``workbench check`` says of a suite's data sets: which are there, what fetches others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evaluate.suites import Suite


def data_lines(suite: Suite, here: bool) -> Iterator[str]:
    """Lines to print; none for a suite whose items ship with it.

    ``here`` is whether it is to run on this machine: of another one's cache nothing is known.

    Raises:
        UserError: a task file of the suite cannot be read.
    """
    from dataclasses import replace

    from workbench.evaluate.data_sets import access_words, called, data_sets, missing
    from workbench.evaluate.network import hub_reachable

    sets = data_sets(suite) if here else [replace(s, cached=False) for s in data_sets(suite)]
    lacking = missing(sets)
    # A data set that lacks some of its configurations is among those to fetch.
    absent = {each.path for group in lacking.values() for each in group}
    there = dict.fromkeys(each.path for each in sets if each.path not in absent)
    if there:
        yield f"data sets in the local cache: {', '.join(there)}"
    if not lacking:
        return
    yield "data sets to fetch, which a run with a network does itself:"
    for command, group in lacking.items():
        access = access_words(group[0])
        yield f"  {called(group)}{f': {access}' if access else ''}"
        yield f"    {command}"
    if here and not hub_reachable():
        yield "the hub cannot be reached (or is switched off): a run stops before anything is made"
