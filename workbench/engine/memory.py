"""Peak memory of a step: the process's resident memory, or the accelerator's where there is one."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

import psutil


class PeakMemory:
    """Measures while the ``with`` block runs.

    On a GPU, ``bytes`` is CUDA's own high-water mark (exact). On a CPU it is the largest resident
    set seen at 20 readings a second, Python and its libraries included.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self.kind = "process"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.bytes = max(self.bytes, process.memory_info().rss)
            if self._stop.wait(0.05):
                return

    def __enter__(self) -> PeakMemory:
        if _cuda():
            import torch

            torch.cuda.reset_peak_memory_stats()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        if _cuda():
            import torch

            self.bytes = int(torch.cuda.max_memory_allocated())
            self.kind = "gpu"


def _cuda() -> bool:
    # Asking torch would import it, and a step that needs no model need not pay for that.
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_available())
