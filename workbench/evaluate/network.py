"""Hub data without hanging: without a network, use what is cached or say so at once."""

from __future__ import annotations

import functools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlparse

#: Seconds to wait for the hub before taking the network for gone.
PATIENCE = 4.0


@functools.lru_cache(maxsize=1)
def hub_reachable() -> bool:
    """Whether a connection to the hub can be made, found out once a process.

    Behind a proxy a direct connection proves nothing, so a proxy counts as a network.
    """
    switches = (os.environ.get(name, "") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))
    if any(value.upper() in ("1", "TRUE", "YES", "ON") for value in switches):
        return False
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True
    hub = urlparse(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    answered = threading.Event()

    def knock() -> None:
        try:
            port = hub.port or (80 if hub.scheme == "http" else 443)
            with socket.create_connection((hub.hostname or "", port), timeout=PATIENCE):
                answered.set()
        except OSError:
            return

    # A name server that never answers can hold up a look-up far beyond any socket's time limit.
    threading.Thread(target=knock, daemon=True).start()
    return answered.wait(PATIENCE)


@contextmanager
def cached_data_only() -> Iterator[None]:
    """Within, ``datasets`` and the hub client use their caches and fail at once without them."""
    import datasets.config
    import huggingface_hub.constants as hub

    before = (
        datasets.config.HF_DATASETS_OFFLINE,
        datasets.config.HF_HUB_OFFLINE,
        hub.HF_HUB_OFFLINE,
    )
    datasets.config.HF_DATASETS_OFFLINE = True
    datasets.config.HF_HUB_OFFLINE = True
    hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        (
            datasets.config.HF_DATASETS_OFFLINE,
            datasets.config.HF_HUB_OFFLINE,
            hub.HF_HUB_OFFLINE,
        ) = before
