"""Layers brought into memory one at a time, the next one while the last is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.scan.stream.layer_files import READING, Traffic

if TYPE_CHECKING:
    import torch
    from torch import nn


class LayerFeed:
    """Opens layers through ``fill(k)`` and ``empty(k)``, which bring layer k in and let go of it.

    Whoever opens layer k will most likely open the one after it next, or start over: with
    ``prefetch`` that one is brought in by a thread meanwhile. No more than two layers are in
    memory at any time, as long as no more than one is open.
    """

    def __init__(
        self,
        n_layers: int,
        fill: Callable[[int], None],
        empty: Callable[[int], None],
        traffic: Traffic,
        *,
        prefetch: bool,
    ) -> None:
        self._n, self._fill, self._empty, self._traffic = n_layers, fill, empty, traffic
        self._prefetch = prefetch and n_layers > 1
        self._ahead: _Errand | None = None
        self._open: set[int] = set()

    @contextmanager
    def open(self, k: int) -> Iterator[None]:
        """Holds layer ``k`` in memory while the block lasts; raises what failed in the thread."""
        if k in self._open:
            yield
            return
        began = time.perf_counter()
        self._bring(k)
        self._traffic.wait_seconds += time.perf_counter() - began
        self._traffic.layers += 1
        self._open.add(k)
        try:
            self._start((k + 1) % self._n)
            yield
        finally:
            self._open.discard(k)
            self._empty(k)

    def _bring(self, k: int) -> None:
        if self._take(k):
            self._traffic.ahead += 1
            return
        try:
            self._fill(k)
        except BaseException:
            self._empty(k)
            raise

    def _take(self, k: int) -> bool:
        """Whether the thread brought in ``k``; another layer that it brought in is let go of."""
        if self._ahead is None:
            return False
        # Ctrl-C while waiting leaves all as it is: the layer is still on its way.
        self._ahead.join()
        errand, self._ahead = self._ahead, None
        if errand.k == k and errand.failure is None:
            return True
        self._empty(errand.k)
        if errand.k == k and errand.failure is not None:
            raise errand.failure
        return False

    def _start(self, k: int) -> None:
        if self._prefetch and len(self._open) == 1 and k not in self._open:
            self._ahead = _Errand(self._fill, k)
            self._ahead.start()


class _Errand(threading.Thread):
    """Brings layer ``k`` in; ``failure`` is what came in the way."""

    def __init__(self, fill: Callable[[int], None], k: int) -> None:
        # No thread of a pool: those are waited for, however long they take, when Python is left.
        super().__init__(name=f"{READING} {k}", daemon=True)
        self.k = k
        self.failure: BaseException | None = None
        self._fill = fill

    def run(self) -> None:
        try:
            self._fill(self.k)
        except BaseException as error:  # raised again where the layer is needed
            self.failure = error


class Vacant:
    """The layers as they were when empty, so that each can be emptied again."""

    def __init__(self, layers: nn.ModuleList) -> None:
        self.layers = layers
        # The modules' own tables: assigning through the module would go over names and hooks.
        self._was: list[list[tuple[dict[str, Any], str, torch.Tensor]]] = [
            [
                (held, name, tensor)
                for module in layer.modules()
                for held in (module._parameters, module._buffers)
                for name, tensor in held.items()
                if tensor is not None and tensor.device.type == "meta"
            ]
            for layer in layers
        ]

    def empty(self, k: int) -> None:
        """Let go of all memory that layer ``k`` holds, once nothing computes with it any more."""
        _wait_for(self.layers[k])
        for held, name, tensor in self._was[k]:
            held[name] = tensor
        for module in self.layers[k].modules():
            # bitsandbytes keeps the scales of a weight on its module as well.
            if "quant_state" in vars(module):
                vars(module)["quant_state"] = None


def _wait_for(layer: nn.Module) -> None:
    """Until a GPU has done what it was told to do with ``layer``.

    Its kernels run later than Python does, and the thread that reads the next layer copies on a
    stream of its own: it would be given this layer's memory at once, and write over weights that
    are still being read.
    """
    held = next((p for p in layer.parameters() if p.device.type == "cuda"), None)
    if held is not None:
        import torch

        torch.cuda.current_stream(held.device).synchronize()
