"""Data sets before anything else: all that a suite lacks is fetched, or told, in one go."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

from workbench.errors import Problem, StepFailed
from workbench.evaluate.data_sets import data_sets, missing, missing_problem
from workbench.evaluate.network import hub_reachable
from workbench.evaluate.suites import Suite

NO_NETWORK = "the hub cannot be reached (or is switched off)"


def ensure_data(suite: Suite, say: Callable[[str], None] = lambda text: None) -> None:
    """Have every data set of the suite in the local cache.

    With a network, what is missing is fetched by the very commands that ``workbench check`` prints,
    each in a process of its own; ``say`` is told of each. Without one nothing is tried.

    Raises:
        UserError: a task file of the suite cannot be read.
        StepFailed: data sets are missing; every one of them is named with its command.
    """
    lacking = missing(data_sets(suite))
    if not lacking:
        return
    if not hub_reachable():
        raise StepFailed(missing_problem(sets, NO_NETWORK) for sets in lacking.values())
    heard: dict[str, str] = {}
    for command, sets in lacking.items():
        say(f"fetching {sets[0].path}")
        heard[command] = _run(command)
    still = missing(data_sets(suite))
    if still:
        raise StepFailed(_failed(missing_problem(sets, ""), heard, c) for c, sets in still.items())


def _failed(problem: Problem, heard: dict[str, str], command: str) -> Problem:
    return replace(problem, cause=heard.get(command) or "fetching it did not help")


def _run(command: str) -> str:
    """Run a fetch command; the last line of what it says when it fails."""
    arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *arguments[1:]],
        env={**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return said[-1].strip()[:300] if said else ""
