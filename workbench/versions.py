"""Which libraries and which machine made a result, without importing any of them."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "bitsandbytes",
    "mergekit",
    "lm-eval",
    "datasets",
    "accelerate",
    "safetensors",
    "tokenizers",
    "numpy",
)


def versions() -> dict[str, str]:
    """Python, this project, and each library that is installed."""
    from workbench import __version__

    found = {"workbench": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """System, processor architecture, cores and memory; nothing that names the machine."""
    import psutil

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
    }
