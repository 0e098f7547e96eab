"""lm-eval held back: no bars, no log lines, no random numbers but ours; one warning is kept."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from workbench.quiet import quiet


class _Collector(logging.Handler):
    """Counts the warnings that say a prompt did not fit."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.truncated = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.truncated += "runcat" in record.getMessage()


def _plain(iterable: Iterable[Any], *args: object, **kwargs: object) -> Iterable[Any]:
    return iterable


@contextmanager
def quiet_harness() -> Iterator[_Collector]:
    """Within, nothing is drawn or logged; the collector counts truncated prompts."""
    import lm_eval.api.task

    collector = _Collector()
    logger = logging.getLogger("lm_eval")
    before = logger.handlers[:], logger.propagate, logger.level
    logger.handlers[:], logger.propagate = [collector], False
    logger.setLevel(logging.WARNING)
    # The one bar of lm-eval's that no argument turns off.
    drawn = lm_eval.api.task.tqdm
    lm_eval.api.task.tqdm = _plain
    try:
        with quiet():
            yield collector
    finally:
        lm_eval.api.task.tqdm = drawn
        logger.handlers[:], logger.propagate = before[0], before[1]
        logger.setLevel(before[2])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within, every random generator starts from ``seed``; afterwards each is as it was."""
    import numpy as np
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    # IFEval's guess of a language draws from a generator of its own, unseeded by default.
    detector = getattr(sys.modules.get("langdetect"), "DetectorFactory", None)
    with torch.random.fork_rng():
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        unseeded = getattr(detector, "seed", None)
        if detector is not None:
            detector.seed = seed
        try:
            yield
        finally:
            if detector is not None:
                detector.seed = unseeded
            random.setstate(python)
            np.random.set_state(numpy)
