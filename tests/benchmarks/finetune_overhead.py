"""Wall time of ``workbench run`` for one fine-tune, over that of a plain TRL script.

Both are whole processes, imports included, run in turns; the ratio is of the medians.

    python tests/benchmarks/finetune_overhead.py [--steps 300] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from timing import ROOT, seconds

HERE = Path(__file__).parent
DATA = ROOT / "recipes" / "data" / "sums.jsonl"

RECIPE = """\
name: overhead
bases: {{tiny: {{base_model: tiny/sums, dtype: float32}}}}
outputs:
  tuned:
    finetune:
      base_model: tiny
      lora_r: 8
      lora_alpha: 16
      datasets: [{{path: {data}, type: prompt_completion}}]
      learning_rate: 2.0e-3
      warmup_ratio: 0.0
      max_steps: {steps}
      micro_batch_size: 32
      sequence_len: 64
      save_steps: 50
evaluate: null
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    from workbench.bases.config import BaseConfig
    from workbench.bases.locate import locate

    base = locate(BaseConfig(base_model="tiny/sums"))
    plain, ours = [], []
    for round_ in range(options.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            recipe = Path(scratch) / "overhead.yaml"
            recipe.write_text(RECIPE.format(data=DATA, steps=options.steps))
            script = [sys.executable, str(HERE / "plain_trl.py")]
            plain.append(seconds([*script, str(base), str(DATA), str(options.steps), scratch]))
            run = [sys.executable, "-m", "workbench", "run", str(recipe), "--home", scratch]
            ours.append(seconds(run))
        print(f"round {round_ + 1}: plain TRL {plain[-1]:.1f} s, workbench {ours[-1]:.1f} s")
    ratio = statistics.median(ours) / statistics.median(plain)
    print(f"workbench run / plain TRL script, {options.steps} steps: {ratio:.3f} (goal: < 1.05)")


if __name__ == "__main__":
    main()
