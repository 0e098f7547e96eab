"""Memory and disk running out, in the words of a person who can do something about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import WorkbenchError, step_failed
from workbench.finetune.config import FinetuneConfig
from workbench.store.disk import is_full


@contextmanager
def said_plainly(config: FinetuneConfig, work: Path) -> Iterator[None]:
    """Turns out-of-memory and full-disk errors inside the block into ``StepFailed``."""
    import torch

    try:
        yield
    except WorkbenchError:
        raise
    except torch.OutOfMemoryError as error:
        raise step_failed(
            "the GPU's memory ran out while training",
            str(error).splitlines()[0],
            f"halve micro_batch_size (now {config.micro_batch_size}) and double "
            "gradient_accumulation_steps, set gradient_checkpointing: true, lower sequence_len "
            f"(now {config.sequence_len}), or load the base with load_in_4bit: true",
        ) from error
    except Exception as error:
        if not is_full(error):
            raise
        raise step_failed(
            f"the disk under {str(work)!r} is full",
            str(error).splitlines()[0],
            "free some space and run the same command: training goes on from its last checkpoint",
        ) from error
