"""What a machine has: this one, asked without importing torch, or one that is named."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import user_error
from workbench.recipe.hardware import Card, card_named, known_card

#: What a machine around a named card is taken to have: assumptions, not anyone's figures.
HOST_MEMORY = 64 << 30
HOST_CORES = 8
#: What reading safetensors from an NVMe disk reaches in practice; its data sheet says two to three
#: times as much.
NVME_BYTES_A_SECOND = 2.0e9
#: Of each card, what the driver, CUDA's context and its libraries take.
RESERVED = 1 << 30

ASSUMED = (
    f"a host with {HOST_MEMORY >> 30} GiB of memory, {HOST_CORES} cores and a disk that is read "
    f"at {NVME_BYTES_A_SECOND / 1e9:.0f} GB/s; {RESERVED >> 30} GiB of each card is the driver's"
)

_MOST_CARDS = 64
_COUNTED = re.compile(r"(\d{1,3})\s*[x×*]\s*(.+)", re.IGNORECASE)

#: What reading weights reaches on a machine whose disk is not known: a SATA disk, or the network.
DISK_BYTES_A_SECOND = 3.0e8
#: How full of weights a card may be before they are spread over all cards, as ``bases.load`` does.
FULL = 0.8


@dataclass(frozen=True)
class Machine:
    """Free bytes of memory; those of the largest GPU where there is an NVIDIA one.

    ``cards`` is how many GPUs there are, ``card`` the data sheet of the largest where it is known.
    ``assumed`` is set for a machine that was named rather than asked: what is taken for granted.
    """

    memory_free: int
    memory_total: int
    cores: int
    gpu: str | None
    gpu_free: int
    gpu_total: int
    cards: int = 1
    card: Card | None = None
    disk_bytes_a_second: float = DISK_BYTES_A_SECOND
    assumed: str | None = None

    @property
    def gpus(self) -> str:
        """The GPUs in words: ``2 x RTX-4090``; empty where there is none."""
        if not self.gpu:
            return ""
        return f"{self.cards} x {self.gpu}" if self.cards > 1 else self.gpu

    def spreads(self, weights: int) -> bool:
        """Whether ``weights`` bytes go to all cards: they would fill one, and there are more."""
        return bool(self.gpu) and self.cards > 1 and weights > FULL * self.gpu_total


def this_machine() -> Machine:
    """The machine as it is now."""
    import psutil

    memory = psutil.virtual_memory()
    limit = _cgroup_limit()
    total = min(memory.total, limit) if limit else memory.total
    gpu, free, whole, cards = _largest_gpu()
    card = None
    if gpu is not None:
        card = known_card(gpu)
    return Machine(
        min(memory.available, total), total, _cores(), gpu, free, whole, max(1, cards), card
    )


def machine_on(text: str) -> Machine:
    """The machine that ``--on`` names: a card, or a number of them, as in ``2xRTX-4090``.

    Case, blanks and dashes do not matter. All its memory is free but for :data:`RESERVED`.

    Raises:
        UserError: no such card; the message lists those there are.
    """
    counted = _COUNTED.fullmatch(text.strip())
    count, name = (int(counted[1]), counted[2]) if counted else (1, text)
    card = card_named(name)
    if not 1 <= count <= _MOST_CARDS:
        raise user_error(
            f"--on: {count} cards", "", f"give 1 to {_MOST_CARDS}, as in 2x{card.name}"
        )
    return Machine(
        memory_free=HOST_MEMORY,
        memory_total=HOST_MEMORY,
        cores=HOST_CORES,
        gpu=card.name,
        gpu_free=card.memory - RESERVED,
        gpu_total=card.memory,
        cards=count,
        card=card,
        disk_bytes_a_second=NVME_BYTES_A_SECOND,
        assumed=ASSUMED,
    )


def disk_free(folder: Path) -> int:
    """Free bytes where ``folder`` is or would be."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if place.exists():
            return shutil.disk_usage(place).free
    return 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _cgroup_limit() -> int | None:
    """A container's memory limit, which the kernel enforces whatever the machine has."""
    try:
        text = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _largest_gpu() -> tuple[str | None, int, int, int]:
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None, 0, 0, 0
    question = [program, "--query-gpu=name,memory.free,memory.total"]
    try:
        answer = subprocess.run(
            [*question, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=1.5,
            check=True,
        ).stdout
        rows = [line.rsplit(",", 2) for line in answer.splitlines() if line.count(",") >= 2]
        found = [(int(free) << 20, int(total) << 20, name.strip()) for name, free, total in rows]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, 0, 0, 0
    if not found:
        return None, 0, 0, 0
    free, total, name = max(found)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return name, free, total, min(len(found), len(visible.split(",")) if visible else len(found))
