"""The leaderboard's own table: read, placed in family trees, and turned into gains.

``load(path)`` does all three; ``read_table``, ``place`` and ``gains`` are its steps, each from a
:class:`Table` to a :class:`Table` with more columns in ``frame`` and more counts in ``seams``.

Columns after ``read_table`` (a row an entry; scores in points from 0 to 100):
  ``row`` (the line of the file), ``model``, ``submitter``, ``average``, ``ifeval bbh math gpqa
  musr mmlu_pro``, ``type`` (pretrained, continued, finetune, chat, merge, multimodal, other; empty
  if the export does not say), ``merged`` (by tag, type or mark), ``flagged``, ``available``,
  ``moe``, ``chat_template`` (pandas' boolean), ``precision``, ``weight_type``, ``architecture``,
  ``parameters_b`` (empty where the export has none or rounds it to 0), ``likes``, ``revision``,
  ``submitted``, ``released`` (dates), ``declared_base`` (the first declared parent), ``parents``
  (all of them), ``declared_merge`` (the mark), ``no_parent`` (why none is declared).
After ``place``:
  ``hub_id`` (the one name of the model), ``mirror`` (the row is a copy's), ``role`` (base,
  instruct, derived, unplaced), ``root``, ``root_kind`` (base, or instruct where the maker published
  no base), ``family``, ``lab``, ``country`` (ISO), ``chinese``, ``root_parameters_b``,
  ``root_released``, ``depth`` (declarations from the root), ``direct`` (declares the root by its
  own name), ``parent`` (the first parent followed), ``placed_by`` (catalogue, declaration,
  published: by the maker or a paper where the table does not say, guess: by name, only on request),
  ``parent_instruct`` (the nearest official instruct model it descends from), ``maker_own`` (made by
  the root's maker), ``why_unplaced``, ``end`` (where the way up ended), ``represents`` (the one row
  that speaks for its model).
After ``gains``:
  ``base_score``, ``gain_base``, ``headroom_gain``, ``instruct``, ``instruct_score``,
  ``gain_instruct`` (empty where there is nothing to compare with).
"""

from __future__ import annotations

from pathlib import Path

from workbench.leaderboard.table.gains import gains
from workbench.leaderboard.table.read import read_table
from workbench.leaderboard.table.roots import place
from workbench.leaderboard.table.table import Table

__all__ = ["Table", "gains", "load", "place", "read_table"]


def load(path: Path) -> Table:
    """The table in ``path``, read, placed and with gains.

    Raises:
        UserError: the file cannot be used (see :func:`read_table`).
    """
    return gains(place(read_table(path)))
