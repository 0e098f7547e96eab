"""Keeping the libraries' bars, tables and advice off the terminal while they work."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("transformers", "trl", "peft", "accelerate", "datasets", "bitsandbytes", "torch")


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no progress bars from the libraries inside this block; after it, as before.

    What they would warn of that matters (a moved prompt boundary, an EOS that is not learnt,
    examples that see each other) the workbench checks itself and says in its record.
    """
    import datasets
    from transformers.utils import logging as transformers_logging

    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    verbosity = transformers_logging.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    library_bars = transformers_logging.is_progress_bar_enabled()
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.ERROR)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        transformers_logging.set_verbosity(verbosity)
        if library_bars:
            transformers_logging.enable_progress_bar()
        if not bars:
            datasets.enable_progress_bars()
