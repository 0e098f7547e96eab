"""Keeps the libraries' own bars and remarks off the terminal, where ours are drawn."""

from __future__ import annotations

import logging
import os
import warnings


def quiet() -> None:
    """Set what the libraries read at import; call it before any of them is imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("BITSANDBYTES_NOWELCOME", "1")
    # Threads that spin while a neighbour holds the core make small models ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.filterwarnings("ignore")
    # It advises installing a kernel package whose 4-bit kernel cannot train.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
