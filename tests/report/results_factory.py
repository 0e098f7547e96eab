"""A run as the engine writes it: results.json and samples.parquet, consistent with each other.

Answers are drawn from fixed chances; scores, Wilson intervals and paired changes follow from them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pandas
from scipy.stats import binomtest

TASKS = {"sums_generate": ("exact_match", 200), "sums_compare": ("acc", 120)}

#: name: kind, parents, and the chance of a right answer on each task.
OUTPUTS: dict[str, tuple[str, tuple[str, ...], tuple[float, float]]] = {
    "tiny": ("base", (), (0.31, 0.55)),
    "tiny-llama": ("base", (), (0.22, 0.52)),
    "tuned": ("finetune", ("tiny",), (0.71, 0.62)),
    "doubled": ("relayer", ("tuned",), (0.48, 0.6)),
    "healed": ("finetune", ("doubled",), (0.76, 0.63)),
    "blended": ("merge", ("tuned", "preferred"), (0.7, 0.61)),
    "preferred": ("finetune", ("tiny",), (0.42, 0.66)),
    "llama-tuned": ("finetune", ("tiny-llama",), (0.63, 0.58)),
}

RECIPE = """\
# A fine-tune, a doubled block, a repair of its seam, and a merge.
name: quickstart
seeds: [0, 1, 2]
bases:
  tiny: {base_model: tiny/sums}
  tiny-llama: {base_model: tiny/sums-llama}
outputs:
  tuned:
    finetune: {base_model: tiny, lora_r: 8, learning_rate: 2.0e-4, max_steps: 60}
  doubled:
    relayer: {model: tuned, blocks: [[3, 6]]}
evaluate:
  suite: quick
"""


def make_run(folder: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> dict[str, Any]:
    """Writes a run's folder and returns its results."""
    results, samples = make_results(seeds)
    write_run(folder, results, samples)
    return results


def write_run(folder: Path, results: dict[str, Any], samples: pandas.DataFrame | None) -> None:
    """Puts the files where a run has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    recipe = results["recipe"].encode("utf-8", "replace")
    (folder / "recipe.yaml").write_bytes(recipe)
    (folder / "recipe.lock.yaml").write_bytes(b"resolved:\n" + recipe)
    if samples is not None:
        samples.to_parquet(folder / "samples.parquet", index=False)


def make_results(seeds: tuple[int, ...] = (0, 1, 2)) -> tuple[dict[str, Any], pandas.DataFrame]:
    """results.json as data and the samples behind it. With several seeds one output fails."""
    random = numpy.random.default_rng(7)
    failing = ("preferred", seeds[-1]) if len(seeds) > 1 else None
    answers: dict[tuple[str, int | None], dict[str, numpy.ndarray]] = {}
    outputs, frames = [], []
    order = sorted(OUTPUTS, key=lambda name: (len(_roots(name)[1]), list(OUTPUTS).index(name)))
    hardness = {task: random.uniform(-0.25, 0.25, n) for task, (_, n) in TASKS.items()}
    for name in order:
        kind, parents, chances = OUTPUTS[name]
        for seed in (None,) if kind == "base" else seeds:
            if failing and seed == failing[1] and (name == failing[0] or failing[0] in parents):
                continue
            right = {
                task: (random.uniform(size=n) < numpy.clip(chance + hardness[task], 0, 1)) * 1.0
                for (task, (_, n)), chance in zip(TASKS.items(), chances, strict=True)
            }
            answers[name, seed] = right
            against = dict.fromkeys((*parents, *_roots(name)[0]))
            outputs.append(
                _entry(name, seed, len(seeds) > 1)
                | {
                    "scores": {task: _score(task, values) for task, values in right.items()},
                    "versus": {
                        other: {task: _change(right[task], theirs[task]) for task in TASKS}
                        for other in against
                        if (theirs := answers.get((other, seed), answers.get((other, None))))
                    },
                }
            )
            frames += [_samples(name, seed, task, values) for task, values in right.items()]
    samples = pandas.concat(frames, ignore_index=True)
    samples["seed"] = samples["seed"].astype("Int64")
    return _run(outputs, failing), samples


def _roots(name: str) -> tuple[list[str], list[str]]:
    """Bases that ``name`` goes back to (itself none), and all its ancestors."""
    above: list[str] = []
    ahead = list(OUTPUTS[name][1])
    while ahead:
        parent = ahead.pop(0)
        above.append(parent)
        ahead += OUTPUTS[parent][1]
    return [n for n in above if OUTPUTS[n][0] == "base"], above


def _score(task: str, values: numpy.ndarray) -> dict[str, Any]:
    interval = binomtest(int(values.sum()), len(values)).proportion_ci(method="wilson")
    return {
        "metric": TASKS[task][0],
        "value": float(values.mean()),
        "ci95": [float(interval.low), float(interval.high)],
        "n": len(values),
        "method": "Wilson score interval",
    }


def _change(child: numpy.ndarray, parent: numpy.ndarray) -> dict[str, Any]:
    gained, lost = int(((child - parent) > 0).sum()), int(((child - parent) < 0).sum())
    differences = child - parent
    error = float(differences.std(ddof=1)) / math.sqrt(len(child))
    delta = float(differences.mean())
    return {
        "delta": delta,
        "ci95": [delta - 1.96 * error, delta + 1.96 * error],
        "p": float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0,
        "n": len(child),
        "method": "McNemar's exact test",
        "gained": gained,
        "lost": lost,
    }


def _samples(name: str, seed: int | None, task: str, values: numpy.ndarray) -> pandas.DataFrame:
    targets = [str((17 * i + 5) % 199) for i in range(len(values))]
    return pandas.DataFrame(
        {
            "output": name,
            "seed": seed,
            "task": task,
            "item_id": [f"{task}/{i}" for i in range(len(values))],
            "doc_hash": [f"{i:08x}" for i in range(len(values))],
            "prompt_hash": [f"{i * 7:08x}" for i in range(len(values))],
            "cluster": "",
            "score": values,
            "answer": [
                target if value else str(int(target) + 1)
                for target, value in zip(targets, values, strict=True)
            ],
            "target": targets,
        }
    )


def _entry(name: str, seed: int | None, several: bool) -> dict[str, Any]:
    kind, parents, _ = OUTPUTS[name]
    key = f"{sum(map(ord, name)) * 7919 + (seed or 0):012x}"
    return {
        "id": f"{name}@{seed}" if several and seed is not None else name,
        "name": name,
        "kind": kind,
        "seed": seed,
        "key": key,
        "parents": list(parents),
        "path": None if kind == "base" else f"adapters/{name}-{key}",
        "config": _config(name, kind, parents),
        "record": _record(name, kind, seed),
        "refused": ["tiny-llama: batch_size is 32 here and 8 there"] if name == "blended" else [],
        "notes": ["sums_compare: every item got the same answer"] if name == "tiny-llama" else [],
        "seconds": None if kind == "base" else 12.345 + len(name),
        "scoring_seconds": 4.5 + len(name) / 10,
        "peak_memory_bytes": None if kind == "base" else 6.1e8 + 1e7 * len(name),
        "predicted_memory_bytes": 5.8e8 + 1.4e7 * len(name),
        "reused": name == "tuned",
    }


def _config(name: str, kind: str, parents: tuple[str, ...]) -> dict[str, Any]:
    if kind == "base":
        return {"base_model": "tiny/sums", "dtype": "auto", "load_in_4bit": False}
    if kind == "finetune":
        config = {"base_model": parents[0], "adapter": "lora", "lora_r": 8, "max_steps": 60}
        return config | ({"rl": "dpo"} if name == "preferred" else {})
    if kind == "relayer":
        return {"model": parents[0], "blocks": [[3, 6]]}
    return {
        "merge_method": "ties",
        "base_model": "tiny",
        "models": [{"model": p, "parameters": {"weight": 0.5, "density": 0.8}} for p in parents],
    }


def _record(name: str, kind: str, seed: int | None) -> dict[str, Any]:
    if kind == "base":
        return {
            "family": name,
            "licence": {
                "name": "Tongyi Qianwen License Agreement",
                "url": "https://example.org/licence",
                "carries_on": name == "tiny",
                "clauses": [{"kind": "naming", "text": "Show 'Built with Qwen'."}],
            },
        }
    if kind == "finetune":
        random = numpy.random.default_rng(len(name) + (seed or 0))
        top = 0.693 if name == "preferred" else 2.4
        curve = [
            {"step": step, "loss": top * math.exp(-step / 25) + 0.2 + 0.04 * random.normal(),
             "learning_rate": 2e-4 * (1 - step / 60)}
            for step in range(5, 61, 5)
        ]  # fmt: skip
        return {
            "supervised_tokens": 12_345,
            "total_tokens": 45_678,
            "eos_supervised": 640,
            "trainable_parameters": 98_304,
            "steps": 60,
            "masking": "padding-free off",
            "curve": curve,
        }
    if kind == "relayer":
        return {"path": [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7], "parent_layers": 8}
    return {
        "merge_method": "ties",
        "tokenizer": {"rows_aligned": 279, "rows_unmatched": 0},
        "adapter_max_logit_difference": {"tuned": 1.9e-6, "preferred": 2.2e-6},
    }


def _run(outputs: list[dict[str, Any]], failing: tuple[str, int] | None) -> dict[str, Any]:
    errors = []
    if failing:
        errors = [
            {
                "id": f"{failing[0]}@{failing[1]}",
                "fact": "the loss became NaN at step 15",
                "cause": "the learning rate is too high for this data",
                "remedy": "lower learning_rate",
            },
            {
                "id": f"blended@{failing[1]}",
                "fact": f"blended@{failing[1]} was not made",
                "cause": f"its parent {failing[0]}@{failing[1]} failed",
                "remedy": "",
            },
        ]
    return {
        "name": "quickstart",
        "key": "3f9a1c20be77",
        "complete": not errors,
        "created": "2026-11-20T09:30:00+00:00",
        "command": "workbench run recipes/quickstart.yaml",
        "suite": {"name": "quick", "description": "Sums, written out and compared."},
        "conditions": {
            "suite": "quick",
            "tasks": {"sums_generate": {"version": 1, "num_fewshot": 0}},
            "apply_chat_template": True,
            "batch_size": 32,
            "precision": {"dtype": "auto", "quantisation": "none"},
        },
        "outputs": outputs,
        "errors": errors,
        "versions": {"workbench": "0.1.0", "python": "3.11.7", "torch": "2.13.0", "trl": "1.16.0"},
        "machine": {"system": "Linux x86_64", "cores": 2, "memory_bytes": 8_589_934_592},
        "recipe": RECIPE,
    }
