"""Contamination: has the base read the items that it is judged on?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from workbench.compare.multiplicity import holm
from workbench.study.hypothesis import Finding, Hypothesis, Need
from workbench.study.probing import completion, exchangeability, min_k, option_order, variants
from workbench.study.probing.part import Part
from workbench.study.subject import Subject

#: Holm-adjusted p below which a sub-test counts, and the size that its value must have as well:
#: with a thousand items the smallest difference between two sets of items is significant.
ALPHA = 0.001
SIZES: dict[str, float] = {
    "min_k": 0.65,
    "completion": 0.05,
    "option_order": 0.05,
    "exchangeability": 0.005,
    "variants": 0.20,
}


class Contamination(Hypothesis):
    """Five sub-tests of whether a base has read the suspect items, joined by Holm."""

    name: ClassVar[str] = "contamination"
    title: ClassVar[str] = "Contamination"
    question: ClassVar[str] = "Has the base read the suspect items in pretraining?"
    statistic: ClassVar[str] = "AUC of Min-K%++, suspect against fresh items"
    unit: ClassVar[str] = "AUC"
    procedure: ClassVar[str] = (
        "Five sub-tests. Min-K%++ of suspect against fresh items of the same distribution (AUC, "
        "DeLong's interval); completion of questions shown to 40, 60 and 80% (exact match, "
        "ROUGE-L); the data set's order of options against others (rank of its likelihood); the "
        "file's order of items against shuffled ones in at least 30 shards (t-test over shards); "
        "right answers to items against those to variants with numbers of the same magnitude "
        "(paired t-test). "
        "What lacks items, options or variants is left out and says so."
    )
    rule: ClassVar[str] = (
        f"Fires where a sub-test is significant (Holm over those that ran, one-sided, {ALPHA:g}) "
        f"and large enough: AUC {SIZES['min_k']:g}, ROUGE-L +{SIZES['completion']:g}, rank of the "
        f"order of options +{SIZES['option_order']:g}, order of items "
        f"+{SIZES['exchangeability']:g} and variants +{SIZES['variants']:g} nats a token. "
        "Cannot tell where none fires, and Min-K%++ did not run or its interval reaches that AUC."
    )
    cost: ClassVar[str] = (
        "About 15 forward passes over the suspect items and 9 over the fresh ones, and six short "
        "generations for each of both: a minute on a card for 200 items and 1 B parameters"
    )
    paper: ClassVar[str] = (
        "arXiv 2404.02936 (Min-K%++), 2507.10532 (completion, variants), 2409.01790 (options), "
        "2310.17623 (exchangeability)"
    )
    control: ClassVar[tuple[str, ...]] = ("contaminated",)
    margin: ClassVar[float] = 0.05
    needs: ClassVar[tuple[Need, ...]] = ("suspect",)
    options: ClassVar[Mapping[str, Any]] = {
        "share": 0.2,
        "items": 200,
        "orders": 5,
        "max_new_tokens": 48,
        "max_tokens": 1024,
        "batch_size": 16,
    }

    def measure(self, subject: Subject) -> Finding:
        given = {**self.options, **subject.options}
        size = {"items": given["items"], "batch_size": given["batch_size"]}
        tests: dict[str, Callable[[], Part]] = {
            "min_k": lambda: min_k.measure(subject, share=given["share"], **size),
            "completion": lambda: completion.measure(
                subject, max_new_tokens=given["max_new_tokens"], **size
            ),
            "option_order": lambda: option_order.measure(
                subject, orders_tried=given["orders"], **size
            ),
            "exchangeability": lambda: exchangeability.measure(
                subject,
                orders=given["orders"],
                max_tokens=given["max_tokens"],
                batch_size=given["batch_size"],
            ),
            "variants": lambda: variants.measure(
                subject, max_new_tokens=given["max_new_tokens"], **size
            ),
        }
        parts: dict[str, Part] = {}
        with subject.progress.bar("contamination", len(tests)) as tick:
            for name, test in tests.items():
                parts[name] = test()
                tick(1, name)
        return _joined(parts)

    def decide(self, finding: Finding, peers: Sequence[Finding]) -> bool | None:
        tests = finding.parts.get("tests", {})
        if any(one["counts"] for one in tests.values()):
            return True
        primary = tests.get("min_k", {})
        if primary.get("ci95") is None or primary["ci95"][1] >= SIZES["min_k"]:
            return None
        return False


def _joined(parts: Mapping[str, Part]) -> Finding:
    ran = {name: part.p for name, part in parts.items() if part.p is not None}
    adjusted = dict(zip(ran, holm(list(ran.values())), strict=True))
    tests = {}
    for name, part in parts.items():
        large = part.value is not None and part.value >= SIZES[name]
        tests[name] = part.json() | {
            "p_adjusted": adjusted.get(name),
            "size": SIZES[name],
            "counts": large and adjusted[name] < ALPHA,
        }
    counting = [name for name, test in tests.items() if test["counts"]]
    primary = parts["min_k"]
    said = [primary.words, *(parts[name].words for name in counting if name != "min_k")]
    verdict = (
        f"{len(counting)} of {len(ran)} sub-tests find the suspect items known"
        if ran
        else "no sub-test could run"
    )
    return Finding(
        primary.value,
        primary.ci95,
        primary.n,
        f"{verdict}: {'; '.join(said)}",
        {"tests": tests, "ran": sorted(ran), "count": counting},
    )
