"""How alike the hidden states before and after any number of layers are.

S[a, b] = E_t[cos(h_a(t), h_b(t))] over the tokens t, where h_d is the state at depth d: before
layer d, and for d = N after the last layer, before the final norm. Layers that can be left out show
as a bright band (Men et al. 2024, "ShortGPT", arXiv 2403.03853; as the angle arccos(S)/pi in Gromov
et al. 2024, "The Unreasonable Ineffectiveness of the Deeper Layers", arXiv 2403.17887).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.scan.anatomy.states import words

if TYPE_CHECKING:
    import torch


def cosines(stack: Sequence[Sequence[torch.Tensor]]) -> npt.NDArray[np.float64]:
    """S, [depths, depths], from ``stack[depth][text]`` of [tokens, D] each.

    The first token of a text is left out. NaN where a state is not finite.
    """
    import torch

    depths = len(stack)
    total, tokens = torch.zeros((depths, depths), dtype=torch.float64), 0
    for text in range(len(stack[0])):
        # The mean of cosines over tokens is one matrix product of the unit states, laid end to end.
        units = torch.stack(
            [torch.nn.functional.normalize(words(at[text]), dim=-1) for at in stack]
        )
        tokens += units.shape[1]
        flat = units.flatten(1)
        total += (flat @ flat.T).double()
    return np.clip((total / max(tokens, 1)).numpy(), -1.0, 1.0)
