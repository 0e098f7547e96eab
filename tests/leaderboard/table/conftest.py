"""Small exports, written as the leaderboard writes them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import UserError
from workbench.leaderboard.table import read_table

#: The columns of the export of October 2024 that matter here, and a row of ordinary values.
ROW: Mapping[str, Any] = {
    "T": "🔶",
    "Model": "someone/model",
    "Average ⬆️": 30.0,
    "IFEval": 50.0,
    "BBH": 40.0,
    "MATH Lvl 5": 10.0,
    "GPQA": 15.0,
    "MUSR": 25.0,
    "MMLU-PRO": 40.0,
    "Type": "🔶 fine-tuned on domain-specific datasets",
    "Architecture": "LlamaForCausalLM",
    "Weight type": "Original",
    "Precision": "bfloat16",
    "Not_Merged": True,
    "#Params (B)": 8,
    "Hub ❤️": 3,
    "Available on the hub": True,
    "Model sha": "abc",
    "Flagged": True,
    "MoE": True,
    "Submission Date": "2024-07-01",
    "Upload To Hub Date": "2024-06-01",
    "Chat Template": True,
    "fullname": "someone/model",
    "Base Model": "someone/model",
}

Export = Callable[..., Path]


def row(
    name: str, base: str | None = None, score: float | None = None, **cells: Any
) -> dict[str, Any]:
    """An entry ``name`` that declares ``base`` (without it, itself), all scores ``score``."""
    made = {**ROW, "Model": name, "fullname": name, "Base Model": name if base is None else base}
    if score is not None:
        made |= dict.fromkeys(
            ("Average ⬆️", "IFEval", "BBH", "MATH Lvl 5", "GPQA", "MUSR", "MMLU-PRO"), score
        )
    return made | cells


def faults(path: Path) -> str:
    """What a user is told of a file that cannot be used."""
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert all(problem.fact for problem in caught.value.problems)
    return str(caught.value)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    """``export(rows, name="t.csv")``: a file of them, CSV or Parquet by its name."""

    def write(rows: Iterable[Mapping[str, Any]], name: str = "t.csv", **options: Any) -> Path:
        rows = list(rows)
        path = tmp_path / name
        if path.suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist([dict(r) for r in rows]), path)
            return path
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]), **options)
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write
