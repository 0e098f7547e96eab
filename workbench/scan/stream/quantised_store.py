"""The layers of a base in 4 bit on disk, quantised once so that every later read is a short one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from workbench.bases.checkpoint import header
from workbench.bases.config import BaseConfig
from workbench.bases.identity import identity
from workbench.errors import WorkbenchError, user_error
from workbench.scan.stream.layer_files import Stored, TensorReader, Traffic, stored_tensors
from workbench.store.disk import is_full

if TYPE_CHECKING:
    import torch

    from workbench.scan.stream.layer_weights import LayerWeights

#: Raised when a folder of an older program would be read wrongly.
_FORMAT = 1
_STATE = ".weight.quant_state.bitsandbytes__"


class QuantisedStore:
    """The quantised layers of ``config``'s base under ``work``, made on the way in if need be.

    A folder there is whole: it is written beside its place and renamed. Its name is the hash of
    the base, the precision and bitsandbytes' version; one that is damaged is made again.

    Raises ``UserError`` when the disk is too small.
    """

    def __init__(
        self,
        work: Path,
        config: BaseConfig,
        dtype: torch.dtype,
        weights: LayerWeights,
        reader: TensorReader,
        traffic: Traffic,
    ) -> None:
        self._reader, self._traffic = reader, traffic
        self._layers = weights.vacant.layers
        self.folder = work / f"nf4-{_key(config, dtype)}"
        found = self._whole()
        if not found:
            _write(self.folder, weights)
            found = self._whole()
        self._stored = found

    @property
    def layer_bytes(self) -> tuple[int, ...]:
        """How many bytes each layer takes on disk."""
        return tuple(sum(s.nbytes for s in layer.values()) for layer in self._stored)

    def fill(self, k: int) -> None:
        """Layer ``k``, as bitsandbytes left it when it was quantised."""
        tensors = self._reader.read(self._stored[k])
        began = time.perf_counter()
        _put(self._layers[k], tensors, self._reader.device)
        self._traffic.prepare_seconds += time.perf_counter() - began

    def _whole(self) -> list[dict[str, Stored]]:
        """What the folder's files hold, layer by layer; nothing if it is not there or damaged."""
        files = [self.folder / _file(k) for k in range(len(self._layers))]
        try:
            if any(header(file)[1] != file.stat().st_size for file in files):
                return []
            return [stored_tensors([file]) for file in files]
        except (OSError, ValueError, WorkbenchError):
            return []


def _key(config: BaseConfig, dtype: torch.dtype) -> str:
    import bitsandbytes
    import torch

    described: dict[str, Any] = {
        "base": identity(config.model_copy(update={"chat_template": None})),
        "dtype": str(dtype),
        "device": "cuda" if torch.cuda.is_available() else "cpu",
        "bitsandbytes": bitsandbytes.__version__,
        "format": _FORMAT,
    }
    text = json.dumps(described, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _file(k: int) -> str:
    return f"layer-{k:04d}.safetensors"


def _write(folder: Path, weights: LayerWeights) -> None:
    """Quantise every layer into ``folder``; a layer is in memory at a time."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    beside = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    try:
        beside.mkdir(parents=True)
        for k, layer in enumerate(weights.vacant.layers):
            try:
                weights.fill(k)
                tensors = {n: t.detach().cpu().contiguous() for n, t in layer.state_dict().items()}
            finally:
                weights.vacant.empty(k)
            save_file(tensors, beside / _file(k), metadata={"format": "pt"})
        if folder.exists():
            shutil.rmtree(folder)  # Damaged, or made meanwhile by another process: the same bytes.
        beside.rename(folder)
    except (OSError, SafetensorError) as error:
        if not is_full(error):
            raise
        raise user_error(
            f"no space left in {folder.parent} for the base's layers in 4 bit",
            "they take about a quarter of a 16-bit checkpoint, and are kept there to be read again",
            "free some space, or put WORKBENCH_HOME on a larger disk",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put(layer: nn.Module, tensors: dict[str, torch.Tensor], device: torch.device) -> None:
    from bitsandbytes.nn import Params4bit

    for name in [name for name in tensors if _STATE in name]:
        at = name[: name.index(_STATE)]
        start = f"{at}.weight."
        stats = {
            n.removeprefix(start): tensors.pop(n) for n in list(tensors) if n.startswith(start)
        }
        module = layer.get_submodule(at)
        # Under its own key in the module's table: what was there is a placeholder without memory.
        module._parameters["weight"] = Params4bit.from_prequantized(
            tensors.pop(f"{at}.weight"), stats, device=device, module=module
        )
    for name, tensor in tensors.items():
        at, _, last = name.rpartition(".")
        module = layer.get_submodule(at)
        if last in module._buffers:
            module._buffers[last] = tensor
        else:
            module._parameters[last] = nn.Parameter(tensor, requires_grad=False)
