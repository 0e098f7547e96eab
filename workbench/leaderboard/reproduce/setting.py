"""How the leaderboards scored their entries, beside what each row of a table says of itself.

Sources: https://huggingface.co/docs/leaderboards/open_llm_leaderboard/about for v2, and archive in
place of about for v1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """``few_shot`` counts the examples shown, by benchmark."""

    library: str
    batch_size: str
    few_shot: Mapping[str, int]


_SETTINGS: Mapping[str, Setting] = {
    "leaderboard-v2": Setting(
        library="lm-eval, Hugging Face's fork of 2024",
        batch_size="auto",
        few_shot={"ifeval": 0, "bbh": 3, "math": 4, "gpqa": 0, "musr": 0, "mmlu_pro": 5},
    ),
    "leaderboard-v1": Setting(
        library="lm-eval at commit b281b09 (2023)",
        batch_size="1 on each of 8 GPUs",
        few_shot={
            "arc": 25,
            "hellaswag": 10,
            "mmlu": 5,
            "truthfulqa": 0,
            "winogrande": 5,
            "gsm8k": 5,
        },
    ),
}


def setting_of(scheme: str | None) -> Setting | None:
    """The setting of a leaderboard, whichever of its schemes; ``None`` where there is none."""
    names = (name for name in _SETTINGS if scheme is not None and scheme.startswith(name))
    return next((_SETTINGS[name] for name in names), None)
