"""Whether packed examples see each other, measured on the model itself.

TRL packs several examples into one sequence and tells them apart by position ids that start again
at 0. Whether attention heeds that depends on the architecture and the attention kernel, so it is
tried: a change in the first example must not move the second one's logits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import user_error

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def packed_leak(model: PreTrainedModel) -> float:
    """The largest change of a packed second example's logits when the first one changes."""
    import torch

    vocabulary = model.get_input_embeddings().num_embeddings
    first = torch.arange(1, 9) % vocabulary
    other = torch.arange(9, 17) % vocabulary
    second = torch.arange(17, 25) % vocabulary
    positions = torch.arange(8).repeat(2)[None].to(model.device)
    logits = []
    with torch.no_grad():
        for before in (first, other):
            ids = torch.cat([before, second])[None].to(model.device)
            out = model(input_ids=ids, position_ids=positions, use_cache=False)
            logits.append(out.logits[0, 8:].float())
    return float((logits[0] - logits[1]).abs().max())


def require_isolation(model: PreTrainedModel) -> None:
    """Raise ``UserError`` when examples packed into one sequence would see each other."""
    leak = packed_leak(model)
    if leak > 0:
        raise user_error(
            "sample_packing: true would let examples see each other on this model",
            "changing one example moved the logits of the next one in the same sequence by "
            f"{leak:.3g} ({type(model).__name__}, attention {model.config._attn_implementation!r})",
            "set sample_packing: false, or install flash-attn on a GPU that runs it",
        )
