"""Tensors from safetensors files to a device, a group at a time, with nothing kept behind."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.bases.checkpoint import header
from workbench.errors import step_failed, user_error

if TYPE_CHECKING:
    import torch


#: How threads that read are called, and how many seconds one is waited for at the end.
READING, _LONGEST = "reading layer", 10.0
_leaving = threading.Event()


@dataclass(frozen=True)
class Stored:
    """A tensor on disk: its file, its shape and how many bytes it takes there."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    nbytes: int


@dataclass
class Traffic:
    """What reading layers has cost so far. Seconds are wall time.

    ``read_seconds`` from disk to the device, ``prepare_seconds`` converting and quantising there,
    ``wait_seconds`` of both those for which the computation stood still.
    """

    layers: int = 0
    #: Layers that were there, or on their way, when they were asked for.
    ahead: int = 0
    bytes_read: int = 0
    read_seconds: float = 0.0
    prepare_seconds: float = 0.0
    wait_seconds: float = 0.0

    def restart(self) -> None:
        """Count from nothing again."""
        vars(self).update(vars(Traffic()))


def stored_tensors(files: Iterable[Path]) -> dict[str, Stored]:
    """What is in ``files``, by name, from their headers. Raises ``UserError`` for a damaged one."""
    found = {}
    for file in files:
        try:
            tensors, _, _ = header(file)
        except (OSError, ValueError) as error:
            raise _damaged(file, error) from error
        for name, entry in tensors.items():
            begin, end = entry["data_offsets"]
            found[name] = Stored(file, tuple(entry["shape"]), entry["dtype"], end - begin)
    return found


class TensorReader:
    """Reads tensors into memory of their own on ``device``, and counts what that costs.

    Files are mapped only while they are read: what was read of a mapped file counts as this
    process's memory, and of a large checkpoint that would soon be all there is. A copy also lies
    at an aligned address, as a loaded model's weights do (see ``workbench.bases.aligned``).
    """

    def __init__(self, device: torch.device, traffic: Traffic) -> None:
        import torch

        self.device = device
        self._traffic = traffic
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def read(self, wanted: Mapping[str, Stored]) -> dict[str, torch.Tensor]:
        """The tensors of ``wanted`` by name.

        Raises ``UserError`` for a file that changed or broke since it was checked.
        """
        from safetensors import SafetensorError, safe_open

        began = time.perf_counter()
        found: dict[str, torch.Tensor] = {}
        with self._copying():
            for file in sorted({stored.file for stored in wanted.values()}):
                names = [name for name, stored in wanted.items() if stored.file == file]
                try:
                    with safe_open(file, framework="pt", device="cpu") as opened:
                        for name in names:
                            stop_when_leaving()
                            found[name] = self._copy(opened.get_tensor(name))
                except (OSError, SafetensorError) as error:
                    raise _damaged(file, error) from error
        self._traffic.bytes_read += sum(stored.nbytes for stored in wanted.values())
        self._traffic.read_seconds += time.perf_counter() - began
        return found

    @contextmanager
    def _copying(self) -> Iterator[None]:
        """On a GPU: copies go over a stream of their own, so that they do not wait for kernels."""
        if self._stream is None:
            yield
            return
        import torch

        with torch.cuda.device(self.device):
            # Memory of layers let go of is taken again only after the kernels that still read it.
            self._stream.wait_stream(torch.cuda.default_stream(self.device))
            with torch.cuda.stream(self._stream):
                yield
            self._stream.synchronize()

    def _copy(self, mapped: torch.Tensor) -> torch.Tensor:
        if self._stream is None:
            return mapped.clone()
        return mapped.pin_memory().to(self.device, non_blocking=True)


def stop_when_leaving() -> None:
    """Ends a thread that reads when the program is left."""
    if _leaving.is_set():
        raise step_failed("a layer was not read", "the program is being left")


def _leave() -> None:
    """No thread may be within torch when Python takes itself apart: wait for a tensor at most."""
    _leaving.set()
    for thread in threading.enumerate():
        if thread.name.startswith(READING):
            thread.join(_LONGEST)


atexit.register(_leave)


def _damaged(file: Path, error: Exception) -> Exception:
    return user_error(
        f"{file} cannot be read",
        f"{type(error).__name__}: {error}",
        "the file changed or the disk failed; download or copy it again",
    )
