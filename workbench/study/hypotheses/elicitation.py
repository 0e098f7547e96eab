"""Elicitation: can the base do the task already, only not at the first try?

Yue et al. 2025 (arXiv 2504.13837): what training with rewards brings at pass@1, the base has at
pass@k. A base whose right answers lie among its samples needs to be taught which to give, not how
to find them. How much of the difference in gain between groups this statistic takes away is told
by the study's own regression; here is what one base shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.probing.part import drawn, mean_above, mean_of
from workbench.study.probing.pass_at_k import own_and_dealt
from workbench.study.probing.texts import asked, frame, originals
from workbench.study.questions.asking import answer_greedy, answer_sampled, exact
from workbench.study.questions.items import Item
from workbench.study.subject import Subject

FEWEST = 20
#: A gain from 1 to k tries that is worth calling a latent skill.
SIZE = 0.2
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


class Elicitation(Hypothesis):
    """Greedy pass@1 against pass@k, beyond what answers to other questions would reach."""

    name: ClassVar[str] = "elicitation"
    title: ClassVar[str] = "Elicitation of what is there"
    question: ClassVar[str] = "Does the base give right answers among many, if not at once?"
    statistic: ClassVar[str] = "pass@k minus greedy pass@1 before the treatment, beyond chance"
    unit: ClassVar[str] = "share of items"
    procedure: ClassVar[str] = (
        "`samples` answers to each item of the tasks (fresh items where there are none), drawn at "
        "`temperature` in the tasks' own template, and one by greedy decoding, which is what tasks "
        "score. pass@k is the unbiased estimator's; chance is the same answers against the targets "
        "of all other items. The statistic is pass@k minus greedy, minus the same by chance, with "
        "a t interval over items. Beside it pass@k at 1, 2, 4…, and, where the treatment was made, "
        "how much oftener it solves the items that some sample solved."
    )
    rule: ClassVar[str] = (
        f"Fires where the interval lies above 0 and the statistic is at least {SIZE:g}; cannot "
        f"tell where it is smaller and the interval reaches {SIZE:g}."
    )
    cost: ClassVar[str] = "`samples` + 1 generations an item"
    paper: ClassVar[str] = "arXiv 2504.13837; pass@k: 2107.03374"
    control: ClassVar[tuple[str, ...]] = ("latent",)
    margin: ClassVar[float] = 0.05
    needs: ClassVar[tuple[Need, ...]] = ("scores",)
    options: ClassVar[Mapping[str, Any]] = {
        "k": 16,
        "samples": 16,
        "temperature": 1.0,
        "items": 100,
        "max_new_tokens": 16,
        "match": "exact",
        "batch_size": 64,
    }

    def measure(self, subject: Subject) -> Finding:
        given = {**self.options, **subject.options}
        placed, source = _items(subject, given["items"])
        if len(placed) < FEWEST:
            return Finding(None, None, 0, f"{len(placed)} items are fewer than {FEWEST}")
        items = [item for _, item in placed]
        k, samples = int(given["k"]), max(int(given["samples"]), int(given["k"]))
        same = _last_number if given["match"] == "number" else exact
        # A number may stand at the end of several lines of working.
        until = () if given["match"] == "number" else ("\n",)
        template, model, tokenizer = frame(subject), subject.model(), subject.tokenizer
        prompts = [asked(item.question, template) for item in items]
        targets = [item.answer for item in items]
        written: dict[str, Any] = {
            "max_new_tokens": int(given["max_new_tokens"]),
            "batch_size": int(given["batch_size"]),
            "until": until,
        }
        answers = answer_sampled(
            model, tokenizer, prompts, samples, given["temperature"], subject.seed, **written
        )
        at_once = answer_greedy(model, tokenizer, prompts, **written)
        own, dealt = own_and_dealt([[said] for said in at_once], targets, 1, same)
        greedy = {"own": own, "chance": dealt}
        curve = {}
        for tries in sorted({1, k, *(2**p for p in range(1, 12) if 2**p < k)}):
            own, dealt = own_and_dealt(answers, targets, tries, same)
            curve[tries] = {"own": own, "chance": dealt}
        last = curve[k]
        rise = (last["own"] - greedy["own"]) - (last["chance"] - greedy["chance"])
        value, ci95, _ = mean_above(rise)
        parts: dict[str, Any] = {
            "source": source,
            "k": k,
            "samples": samples,
            "greedy": {name: mean_of(values.tolist()) for name, values in greedy.items()},
            "pass_at": {
                str(tries): {name: mean_of(values.tolist()) for name, values in both.items()}
                for tries, both in curve.items()
            },
            "predicts": _predicts(subject, placed, last["own"] > 0, greedy["own"] > 0),
        }
        words = (
            f"greedy {mean_of(greedy['own'].tolist()):.0%}, pass@{k} "
            f"{mean_of(last['own'].tolist()):.0%} ({mean_of(last['chance'].tolist()):.0%} by "
            f"chance), over {len(items)} {source}"
        )
        return Finding(value, ci95, len(items), words, parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        if finding.value is None or finding.ci95 is None:
            return None
        if finding.value >= SIZE:
            return True if finding.ci95[0] > 0 else None
        return None if finding.ci95[1] >= SIZE else False


def _items(subject: Subject, most: int) -> tuple[list[tuple[str, Item]], str]:
    """Items with their task, as many of each; fresh or suspect ones where none were scored."""
    if subject.before is not None and len(subject.before):
        from workbench.study.questions.task_items import items_of

        tasks = list(dict.fromkeys(subject.before["task"]))
        chosen: list[tuple[str, Item]] = []
        for number, task in enumerate(tasks):
            found = items_of(subject.before, task)
            share = most // len(tasks) + (number < most % len(tasks))
            chosen += [(task, found[at]) for at in drawn(len(found), share, subject.seed)]
        return chosen, "items of the tasks"
    for items, name in ((subject.fresh, "fresh items"), (subject.suspect, "suspect items")):
        if items:
            plain = originals(items)
            return [("", plain[at]) for at in drawn(len(plain), most, subject.seed)], name
    return [], "items"


def _last_number(answer: str, target: str) -> bool:
    """Whether the last number of an answer is the target."""
    found = _NUMBER.findall(answer)
    return bool(found) and exact(found[-1], target)


def _predicts(
    subject: Subject,
    placed: Sequence[tuple[str, Item]],
    reached: np.ndarray,
    at_once: np.ndarray,
) -> dict[str, Any] | None:
    """Of the items that greedy decoding misses: how many the treatment solves, by whether a
    sample had solved them. ``None`` where the treatment was not scored on them."""
    after = subject.after.get("treatment")
    if after is None or not len(after):
        return None
    # Over the seeds of the treatment.
    means = after.groupby(["task", after["item_id"].astype(str)])["score"].mean()
    scores = {(str(task), str(item)): float(score) for (task, item), score in means.items()}
    missed = [
        (bool(hit), scores[task, item.id])
        for (task, item), hit, known in zip(placed, reached, at_once, strict=True)
        if not known and (task, item.id) in scores
    ]
    sides = {hit: [score for one, score in missed if one is hit] for hit in (True, False)}
    return {
        name: {"n": len(sides[hit]), "solved_after": mean_of(sides[hit]) if sides[hit] else None}
        for name, hit in (("among_samples", True), ("never_sampled", False))
    }
