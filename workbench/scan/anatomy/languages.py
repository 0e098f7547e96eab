"""Whether a depth holds what a sentence says, whatever language it says it in.

Mean-pooled states x of the same sentences s in several languages l, centred on the mean of all of
them, since hidden states share a large common part (Ethayarajh 2019, arXiv 1909.00512; Mu and
Viswanath 2018, arXiv 1702.01417):

    A = E[cos(x(l, s), x(m, s))] - E[cos(x(l, s), x(m, r))]    over l != m, and r != s

It is 0 where content does not matter (or language drowns it) and grows with a space that languages
share, as the middle layers are said to have (Wendler et al. 2024, "Do Llamas Work in English?",
arXiv 2402.10588).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from workbench.evaluate.intervals import Interval, t_quantile
from workbench.scan.anatomy.states import words

if TYPE_CHECKING:
    import torch


def pooled(states: Sequence[torch.Tensor], languages: int) -> npt.NDArray[np.float64]:
    """The mean states of ``states`` [tokens, D], language after language: [languages, s, D]."""
    import torch

    means = torch.stack([words(text).double().mean(dim=0) for text in states])
    return means.view(languages, -1, means.shape[-1]).numpy()


def agreement(vectors: npt.NDArray[np.float64]) -> tuple[float, Interval]:
    """A of ``vectors`` [languages, sentences, D], and its 95% interval over sentences.

    The interval is the delete-one jackknife's with Student's t (Efron and Tibshirani 1993, ch. 11):
    a sentence is left out in all languages at once. At least two languages and three sentences.
    """
    sentences = vectors.shape[1]
    flat = vectors.reshape(-1, vectors.shape[-1])
    gram = (flat @ flat.T).reshape(*vectors.shape[:2], *vectors.shape[:2])
    value = _agreement(gram)
    kept = [np.delete(np.arange(sentences), s) for s in range(sentences)]
    left = np.array([_agreement(gram[:, some][:, :, :, some]) for some in kept])
    error = math.sqrt((sentences - 1) / sentences * float(((left - left.mean()) ** 2).sum()))
    reach = t_quantile(sentences - 1) * error
    return value, (value - reach, value + reach)


def _agreement(gram: npt.NDArray[np.float64]) -> float:
    """A from the inner products [l, s, m, r] of uncentred states."""
    gram = gram - gram.mean((0, 1)) - gram.mean((2, 3))[:, :, None, None] + gram.mean()
    norms = np.sqrt(np.einsum("lsls->ls", gram))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = gram / norms[:, :, None, None] / norms
    languages, sentences = norms.shape
    across = ~np.eye(languages, dtype=bool)[:, None, :, None]
    same = np.eye(sentences, dtype=bool)[None, :, None, :]
    return float(cosine[across & same].mean() - cosine[across & ~same].mean())
