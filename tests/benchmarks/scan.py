"""The scan's scheduler against two slower ways, in one run on the same model and items.

Baselines: (a) a naive teacher-forced forward of each path, all items in one batch; (b) the way of
the public RYS code's transformers worker, 64 tokens generated for each item under each path (timed
on every tenth path and scaled by the layer passes it counts). Ours first runs items that share
nothing, then items whose first half is the same. Run: python tests/benchmarks/scan.py
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from workbench.bases.share import share
from workbench.bases.tiny.architectures import build
from workbench.relayer.reference import apply_path
from workbench.scan import grid
from workbench.scan.schedule.decoder import Decoder
from workbench.scan.schedule.limits import Work
from workbench.scan.schedule.request import Reading
from workbench.scan.schedule.sweep import sweep
from workbench.scan.schedule.trie import naive_passes

VOCABULARY = 200
NEW_TOKENS = 64
SIZE = {"intermediate_size": 768, "num_attention_heads": 4, "num_key_value_heads": 2}


def items(count: int, length: int, shared: int) -> list[Reading]:
    """Random tokens; the first ``shared`` are the same in all; the last four are read."""
    rng = random.Random(0)
    common = [rng.randrange(5, VOCABULARY) for _ in range(shared)]
    found = []
    for _ in range(count):
        tokens = (*common, *(rng.randrange(5, VOCABULARY) for _ in range(length - shared)))
        at = tuple(range(length - 5, length - 1))
        found.append(Reading(tokens, at, tuple((tokens[p + 1],) for p in at)))
    return found


def relayered(model: PreTrainedModel, path: Sequence[int]) -> PreTrainedModel:
    copy = share(model)
    apply_path(copy, path)
    return copy.eval()


def forward_each(model: PreTrainedModel, paths: Sequence[Sequence[int]], asked: list[Reading]):
    """(a): seconds of the forwards alone, and the log-probabilities by path and item."""
    tokens = torch.tensor([reading.tokens for reading in asked])
    at = torch.tensor(asked[0].positions)
    wanted = tokens[:, at + 1]
    seconds, scores = 0.0, []
    for path in paths:
        one = relayered(model, path)
        start = time.perf_counter()
        with torch.no_grad():
            table = one(input_ids=tokens, use_cache=False).logits[:, at].log_softmax(-1)
            scores.append(table.gather(-1, wanted[..., None])[..., 0].sum(-1))
        seconds += time.perf_counter() - start
    return seconds, torch.stack(scores)


def generate_each(model: PreTrainedModel, paths: Sequence[Sequence[int]], asked: list[Reading]):
    """(b): seconds of generating for all items of each path."""
    tokens = torch.tensor([reading.tokens for reading in asked])
    seconds = 0.0
    for path in paths:
        one = relayered(model, path)
        start = time.perf_counter()
        with torch.no_grad():
            one.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                max_new_tokens=NEW_TOKENS,
                min_new_tokens=NEW_TOKENS,
                do_sample=False,
            )
        seconds += time.perf_counter() - start
    return seconds


def ours(decoder: Decoder, paths: Sequence[tuple[int, ...]], asked: list[Reading], budget: int):
    work = Work()
    start = time.perf_counter()
    replies = sweep(decoder, paths, asked, budget_bytes=budget, work=work)
    seconds = time.perf_counter() - start
    scores = [[sum(at[0] for at in reply.logprobs) for reply in row] for row in replies]
    return seconds, torch.tensor(scores), work


def measure(layers: int, given: argparse.Namespace, slow: bool) -> dict[str, Any]:
    """One model, all its blocks; each way as fast as its fastest round, the rounds interleaved."""
    count, length, budget = given.items, given.length, given.budget_mb * 10**6
    model = build("qwen2", 0, num_hidden_layers=layers, hidden_size=given.hidden, **SIZE).eval()
    paths = [
        tuple(range(layers)) if block == grid.BASE else grid.layers(block, layers)
        for block in grid.blocks(layers)
    ]
    decoder = Decoder(model)
    alone, together = items(count, length, 0), items(count, length, length // 2)
    ours(decoder, paths[:4], alone, budget)  # warm
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, scores, work = ours(decoder, paths, alone, budget)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shared_seconds, shared_scores, _ = ours(decoder, paths, together, budget)
    naive_seconds = float("inf")
    for number in range(given.rounds if slow else 0):
        again, naive_scores = forward_each(model, paths, alone)
        naive_seconds = min(naive_seconds, again)
        if number:
            seconds = min(seconds, ours(decoder, paths, alone, budget)[0])
            shared_seconds = min(shared_seconds, ours(decoder, paths, together, budget)[0])
    found: dict[str, Any] = {
        "layers": layers,
        "paths": len(paths),
        "items": count,
        "tokens an item": length,
        "parameters": model.num_parameters(),
        "threads": torch.get_num_threads(),
        "passes an item (ours, counted)": work.layer_passes // count,
        "passes an item (naive, counted)": naive_passes(paths),
        "limit by the count": round(naive_passes(paths) * count / work.layer_passes, 3),
        "seconds": round(seconds, 2),
        "seconds, prefix shared": round(shared_seconds, 2),
        "path tokens a second": round(len(paths) * count * length / seconds),
        "memory over the start, MB": round((after - before) / 1000),
        "budget, MB": given.budget_mb,
    }
    if slow:
        _, naive_shared = forward_each(model, paths[::10], together)
        tenth = paths[::10]
        generated = generate_each(model, tenth, alone)
        generated *= naive_passes(paths) / naive_passes(tenth)
        ratio = naive_seconds / seconds
        found |= {
            "seconds (a) a forward per path": round(naive_seconds, 2),
            "seconds (b) generating, scaled": round(generated, 1),
            "ratio over (a)": round(ratio, 3),
            "share of the limit": round(ratio / found["limit by the count"], 3),
            "ratio over (a), prefix shared": round(naive_seconds / shared_seconds, 3),
            "ratio over (b)": round(generated / seconds, 1),
            "largest difference to (a)": float((scores - naive_scores).abs().max()),
            "largest difference to (a), prefix shared": float(
                (shared_scores[::10] - naive_shared).abs().max()
            ),
        }
    return found


def growth(found: Sequence[dict[str, Any]]) -> str:
    """Least squares of log seconds on log passes: 1 where cost follows the count."""
    passes = torch.tensor([math.log(each["passes an item (ours, counted)"]) for each in found])
    seconds = torch.tensor([math.log(each["seconds"]) for each in found])
    slope = (passes - passes.mean()) @ (seconds - seconds.mean()) / passes.var(unbiased=False)
    return f"seconds grow as passes to the power {slope.item() / len(found):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--items", type=int, default=8)
    parser.add_argument("--length", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--budget-mb", type=int, default=1000)
    given = parser.parse_args()
    found = measure(given.layers, given, slow=True)
    print(json.dumps(found, indent=1))
    sizes = [measure(layers, given, slow=False) for layers in (6, 8, 12, 16)] + [found]
    for each in sizes:
        passes = each["passes an item (ours, counted)"]
        print(
            f"{each['layers']} layers: {each['paths']} paths, {passes} passes an item, "
            f"{each['seconds']} s, {1e3 * each['seconds'] / passes / given.items:.2f} ms a pass"
        )
    print(growth(sizes))


if __name__ == "__main__":
    main()
