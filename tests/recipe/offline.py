"""``workbench check`` in a process that has no network and must not load torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_CODE = (
    "import socket, sys\n"
    "def refuse(*args, **kwargs): raise RuntimeError('network')\n"
    "socket.socket.connect = socket.getaddrinfo = refuse\n"
    "from workbench.cli.app import invoke\n"
    "code = invoke(sys.argv[1:])\n"
    "assert not {'torch', 'transformers', 'lm_eval'} & set(sys.modules)\n"
    "sys.exit(code)\n"
)


def check_offline(recipe: Path, card: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``workbench check RECIPE --on CARD``, run in ``folder``."""
    return subprocess.run(
        [sys.executable, "-c", _CODE, "check", str(recipe), "--on", card],
        capture_output=True,
        text=True,
        cwd=folder,
        # Nothing in the cache: sizes come from the catalogue.
        env={**os.environ, "HF_HOME": str(folder), "COLUMNS": "1000"},
        check=False,
    )
