"""What went wrong in a step, as fact, cause and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.errors import Problem, WorkbenchError
from workbench.store.disk import is_full


def explain(error: Exception, label: str, home: Path, log: Path) -> tuple[Problem, ...]:
    """Problems to show for an exception that stopped the step ``label``."""
    if isinstance(error, WorkbenchError):
        return error.problems
    text = " ".join(str(error).split())
    if is_full(error):
        free = shutil.disk_usage(home).free
        return (
            Problem(
                f"{label}: the disk is full ({free / 1e6:.0f} MB free in {home})",
                text,
                "free some space or give another --home, then run the same command: "
                "what is finished is kept",
            ),
        )
    if isinstance(error, MemoryError) or "out of memory" in text.lower():
        return (
            Problem(
                f"{label}: out of memory",
                text[:300],
                "lower micro_batch_size, sequence_len, memory_gib or evaluate.batch_size, set "
                "gradient_checkpointing: true, or load the base in 4 bit",
            ),
        )
    return (
        Problem(
            f"{label}: {type(error).__name__}: {text[:500]}",
            "the workbench did not foresee this one",
            f"the whole trace is in {log}; run the same command again once it is mended",
        ),
    )
