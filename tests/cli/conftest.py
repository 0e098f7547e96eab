"""Commands run in a process of their own."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import pytest

HEAVY = ("torch", "transformers", "pandas", "peft", "trl", "datasets", "mergekit", "lm_eval")
Timed = Callable[[list[str]], tuple[subprocess.CompletedProcess[str], float]]


@pytest.fixture
def timed() -> Timed:
    """``timed(arguments)`` runs Python with them and also returns the processor seconds it took.

    Wall time would measure the neighbours.
    """

    def run(arguments: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = (getattr(after, k) - getattr(before, k) for k in ("ru_utime", "ru_stime"))
        return done, sum(spent)

    return run


@pytest.fixture
def without_heavy(timed: Timed) -> Callable[[list[str]], float]:
    """``without_heavy(arguments)`` runs a command that must succeed and import nothing heavy."""

    def run(arguments: list[str]) -> float:
        code = (
            f"import sys; from workbench.cli.app import invoke; code = invoke({arguments!r})\n"
            f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules], code)"
        )
        done, seconds = timed(["-c", code])
        assert done.stdout.strip().endswith("heavy: [] 0"), done.stdout + done.stderr
        return seconds

    return run
