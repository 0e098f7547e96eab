"""The scheduler held against the model's own forward, before a scan is trusted to it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.bases.share import share
from workbench.errors import step_failed
from workbench.relayer.path import Path
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.request import Reading
from workbench.scan.schedule.sweep import sweep

#: The largest difference of a log-probability that rounding can make: other batches are summed in
#: another order, which in 16 bits and over many layers shows in the second digit.
_TOLERANCE_32, _TOLERANCE_16 = 1e-3, 0.5


def largest_difference(
    decoder: Decoder, paths: Sequence[Path], readings: Sequence[Reading], budget_bytes: int
) -> float:
    """The largest difference of any log-probability to running each path in a model of its own.

    Raises:
        StepFailed: it is larger than rounding explains: the layers depend on something that the
            scheduler does not see, and no figure of a scan would mean anything.
    """
    import torch

    from workbench.relayer.reference import apply_path

    try:
        replies = sweep(decoder, paths, readings, budget_bytes=budget_bytes)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise step_failed(
            f"the layers of {type(decoder.model).__name__} cannot be run apart",
            f"{type(error).__name__}: {str(error).splitlines()[0][:200]}",
            "what they are given fits one batch only (ALiBi, as Bloom's); scan another base",
        ) from error
    worst = 0.0
    for path, row in zip(paths, replies, strict=True):
        model = share(decoder.model)
        apply_path(model, path)
        for reading, reply in zip(readings, row, strict=True):
            tokens = torch.tensor([reading.tokens], device=decoder.device)
            with torch.no_grad():
                table = model(input_ids=tokens).logits[0].float().log_softmax(-1).cpu()
            for at, wanted, ours in zip(
                reading.positions, reading.targets, reply.logprobs, strict=True
            ):
                theirs = table[at, list(wanted)]
                difference = (torch.tensor(ours) - theirs).abs()
                sound = difference[difference.isfinite()]
                worst = max(worst, sound.max().item() if len(sound) else 0.0)
    tolerance = _TOLERANCE_32 if decoder.model.dtype.itemsize >= 4 else _TOLERANCE_16
    if worst > tolerance:
        raise step_failed(
            f"the scan's own forward differs from {type(decoder.model).__name__}'s by {worst:.3g}",
            "its layers depend on something beside the hidden state and the arguments they are "
            "given, such as each other",
            "this architecture cannot be scanned; scan another base",
        )
    return worst
