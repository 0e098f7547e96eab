"""A merge written in another precision than its parents' is scored in theirs, with their chat
template, and exported in its own. A recipe that scores nothing is known to be finished, too."""

from __future__ import annotations

import json
from pathlib import Path

from tests.engine.conftest import Workbench

RECIPE = """\
name: precision
bases:
  tiny: {base_model: tiny/sums, chat_template: "{{ messages[0].content }} ="}
outputs:
  stacked:
    merge:
      merge_method: passthrough
      slices:
        - sources: [{model: tiny, layer_range: [0, 5]}]
        - sources: [{model: tiny, layer_range: [3, 8]}]
      dtype: bfloat16
"""


def test_a_merge_is_scored_as_its_parents_and_exported_as_it_was_written(
    workbench: Workbench, tmp_path: Path
) -> None:
    recipe = tmp_path / "precision.yaml"
    recipe.write_text(RECIPE + "evaluate: {suite: quick, limit: 4, apply_chat_template: true}\n")
    ran = workbench("run", str(recipe), home=tmp_path)
    assert ran.code == 0, ran.err
    merged = next(o for o in ran.results("precision")["outputs"] if o["name"] == "stacked")
    assert merged["refused"] == [] and set(merged["versus"]) == {"tiny"}
    done = workbench("export", "stacked", "--to", str(tmp_path / "out"), home=tmp_path)
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "out/config.json").read_text())["dtype"] == "bfloat16"
    assert (tmp_path / "out/chat_template.jinja").read_text() == "{{ messages[0].content }} ="
    # The same output again, in a recipe that scores nothing.
    recipe.write_text(RECIPE + "evaluate: null\n")
    assert workbench("run", str(recipe), home=tmp_path).code == 0
    assert "nothing was made" in workbench("run", str(recipe), home=tmp_path).out
