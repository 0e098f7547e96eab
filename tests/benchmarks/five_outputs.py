"""Wall time of five ``lm_eval`` commands over that of scoring five outputs of one base here.

Five adapters are trained first (a few steps: their quality does not matter), then both sides score
all five on the tasks of the quick suite, as whole processes with the same batch size.

    python tests/benchmarks/five_outputs.py [--rounds 1]
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from timing import seconds

RECIPE = """\
name: five
bases: {{tiny: {{base_model: tiny/sums, dtype: float32}}}}
outputs:
{outputs}
evaluate: {{suite: quick}}
"""

OUTPUT = """\
  lora{n}:
    finetune:
      base_model: tiny
      lora_r: 8
      datasets: [{{path: recipes/data/sums.jsonl, type: prompt_completion}}]
      learning_rate: {rate}
      max_steps: 5
      sequence_len: 64
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()

    from workbench.bases.config import BaseConfig
    from workbench.bases.locate import locate
    from workbench.evaluate.suites import load_suite

    suite = load_suite("quick")
    tasks = ",".join(task.task for task in suite.tasks)
    base = locate(BaseConfig(base_model="tiny/sums"))
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        recipe = home / "five.yaml"
        outputs = "".join(OUTPUT.format(n=n, rate=f"{n}.0e-4") for n in range(1, 6))
        recipe.write_text(RECIPE.format(outputs=outputs))
        run = [sys.executable, "-m", "workbench", "run", str(recipe), "--home", scratch]
        seconds(run)
        adapters = sorted(home.glob("adapters/lora*"))
        theirs, ours = [], []
        for round_ in range(options.rounds):
            shutil.rmtree(home / "runs")
            ours.append(seconds(run))
            theirs.append(
                sum(
                    seconds(
                        [
                            *(sys.executable, "-m", "lm_eval", "run", "--model", "hf"),
                            "--model_args",
                            f"pretrained={base},peft={adapter},dtype=float32",
                            *("--tasks", tasks, "--include_path", str(suite.include[0])),
                            *("--batch_size", str(suite.batch_size), "--device", "cpu"),
                        ]
                    )
                    for adapter in adapters
                )
            )
            print(f"round {round_ + 1}: lm_eval {theirs[-1]:.1f} s, workbench {ours[-1]:.1f} s")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"five lm_eval commands / workbench run: {ratio:.2f} times (goal: >= 3)")
    print("the workbench also scored the base and wrote comparisons and the report")


if __name__ == "__main__":
    main()
