"""A root read out of an entry's name and size: a robustness check, never the placement itself.

Most merges and many fine-tunes declare nothing, and their names often do:
``Llama-3.1-8B-Something``. What is guessed like this is marked (``placed_by`` is ``guess``) and
counted, and only made on request.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML

from workbench.bases.catalogue import CatalogueEntry
from workbench.leaderboard.table.names import catalogued

GUESSES = Path(__file__).with_name("guesses.yaml")
#: How far a size may be from its base's, as a share: embeddings are cut and extended.
NEAR = 0.12


@lru_cache(maxsize=1)
def _families() -> list[tuple[re.Pattern[str], list[CatalogueEntry]]]:
    with GUESSES.open(encoding="utf-8") as stream:
        facts = YAML(typ="safe", pure=True).load(stream)
    # Mixtures of experts have the names of dense models and other sizes.
    dense = (e for e in catalogued().values() if e.active_parameters is None)
    bases = {e.hub_id: e for e in dense if e.kind == "base"}
    return [
        (
            re.compile(fact["words"]),
            [bases[fact["root"]]]
            if "root" in fact
            else [e for e in bases.values() if e.family == fact["family"]],
        )
        for fact in facts
    ]


def guessed_root(name: str, architecture: str | None, parameters_b: float) -> str | None:
    """The base that ``name`` seems to descend from, or ``None``.

    Its size must be the base's (within 12%, or the same whole billions, as the export rounds down)
    and so must its architecture, where the export gives one.
    """
    bare = re.sub(r"[_\s]+", "-", name.rpartition("/")[2].lower())
    fitting = [bases for words, bases in _families() if words.search(bare)]
    if len(fitting) != 1 or parameters_b != parameters_b:
        return None
    sized = [
        base
        for base in fitting[0]
        if _same_size(base, parameters_b) and architecture in (None, base.architecture)
    ]
    if not sized:
        return None
    # Long-context twins have the same size; the plain one is listed first.
    return min(sized, key=lambda base: abs((base.parameters or 0) / 1e9 - parameters_b)).hub_id


def _same_size(base: CatalogueEntry, parameters_b: float) -> bool:
    size = (base.parameters or 0) / 1e9
    return abs(size - parameters_b) <= NEAR * size or int(size) == parameters_b
