"""The model card (README.md) of an output's folder.

It carries on what the licence of every base asks. Whatever comes from a recipe is escaped, so that
a name or a prompt can neither add keys to the front matter nor markup to the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.bases.catalogue import CatalogueEntry, Licence
from workbench.bases.derived import known

#: Names of outputs' kinds as a reader knows them, and the library that loads each.
KINDS = {
    "finetune": ("a LoRA adapter", "peft"),
    "relayer": ("a layer path", "transformers"),
    "merge": ("a merged model", "transformers"),
    "scan": ("a layer path found by a scan", "transformers"),
}
#: Bases under this prefix are made by this project, under its own licence.
OWN_PREFIX = "tiny/"
OWN_LICENCE = "mit"
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class CardFacts:
    """What a card says of one output.

    ``roots`` are hub ids, local folders or ``tiny/NAME`` of the bases it goes back to; ``parents``
    the names of what it was made from in the recipe; ``config`` and ``record`` the resolved config
    of the step and what the step reported; ``versions`` of the libraries. ``on_base``: the only
    parent is a base, so the adapter loads on it. ``scores`` maps a task to
    ``{"metric", "value", "ci95", "n"}``, where there are any yet.
    """

    name: str
    kind: str
    seed: int | None
    key: str
    roots: Sequence[str]
    parents: Sequence[str]
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    versions: Mapping[str, Any]
    on_base: bool = False
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def model_card(facts: CardFacts) -> str:
    """The text of README.md: YAML front matter and Markdown, safe to render."""
    entries = {root: known(root) for root in facts.roots}
    parts = [
        _front_matter(facts, entries),
        _head(facts),
        _lineage(facts),
        _licence(facts, entries),
        _loading(facts),
        _scores(facts.scores),
        _making(facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(value: object) -> str:
    """``value`` as Markdown that shows just that text: one line, no markup, no HTML, no links."""
    text = _BREAKS.sub(" ", _encodable(str(value)))
    return _PUNCTUATION.sub(r"\\\1", text).replace("\\&", "&amp;").replace("\\<", "&lt;")


def fenced(value: object) -> str:
    """``value`` as a block of JSON that its own backticks cannot leave."""
    text = _encodable(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    # Valid JSON still: these characters, written as escapes, mean nothing to HTML and line readers.
    for character in "<\u2028\u2029\x85":
        text = text.replace(character, f"\\u{ord(character):04x}")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}json\n{text}\n{fence}"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _front_matter(facts: CardFacts, entries: Mapping[str, CatalogueEntry | None]) -> str:
    kept: dict[str, Any] = {}
    licences = [_licence_facts(root, entry) for root, entry in entries.items()]
    tags = {None if licence is None else licence.id for licence in licences}
    if None not in tags and licences:
        first = licences[0]
        if len(tags) > 1 or first is None:
            kept |= {"license": "other", "license_name": "those-of-several-bases"}
        else:
            kept["license"] = first.hub_tag
            if first.hub_tag == "other":
                kept |= {"license_name": first.id, "license_link": first.url}
    hub = [r for r in facts.roots if HUB_ID.fullmatch(r) and not r.startswith(OWN_PREFIX)]
    if hub:
        kept["base_model"] = hub
    kept["library_name"] = KINDS.get(facts.kind, ("", "transformers"))[1]
    kept["tags"] = ["finetune-workbench", facts.kind]
    # JSON strings are YAML's double-quoted scalars: no text in them can end the front matter.
    lines = [f"{key}: {json.dumps(value)}" for key, value in kept.items()]
    return "\n".join(["---", *lines, "---"])


def _head(facts: CardFacts) -> str:
    what = KINDS.get(facts.kind, (plain(facts.kind), ""))[0]
    method = facts.config.get("rl") or facts.config.get("merge_method")
    how = f" ({plain(method)})" if method else ""
    seed = "" if facts.seed is None else f", seed {plain(facts.seed)}"
    return (
        f"# {plain(facts.name)}\n\n"
        f"{what[0].upper()}{what[1:]}{how} made by the fine-tune workbench; "
        f"key {plain(facts.key)}{seed}."
    )


def _lineage(facts: CardFacts) -> str:
    lines = ["## Lineage", ""]
    lines += [f"- made from: {', '.join(plain(parent) for parent in facts.parents) or 'nothing'}"]
    lines += [f"- goes back to the base: {plain(root)}" for root in facts.roots]
    return "\n".join(lines)


def _licence_facts(root: str, entry: CatalogueEntry | None) -> Licence | None:
    if entry is not None:
        return entry.licence
    if not root.startswith(OWN_PREFIX):
        return None
    return Licence(
        id=OWN_LICENCE,
        name="MIT License",
        url="https://opensource.org/license/mit",
        hub_tag=OWN_LICENCE,
        carries_on=False,
    )


def _licence(facts: CardFacts, entries: Mapping[str, CatalogueEntry | None]) -> str:
    lines = ["## Licence", ""]
    for root, entry in entries.items():
        licence = _licence_facts(root, entry)
        if licence is None:
            lines += [
                f"**{plain(root)}** is not in the workbench's catalogue: its licence is not known "
                "here. Read it before you pass this output on.",
                "",
            ]
            continue
        carried = " Outputs made from it stay under these terms." if licence.carries_on else ""
        lines += [f"**{plain(root)}**: [{plain(licence.name)}]({licence.url}).{carried}", ""]
        lines += [f"- {plain(clause.text)}" for clause in licence.clauses]
        if licence.attribution:
            lines.append(f"- Attribution to keep: {plain(licence.attribution)}")
        if entry is not None and entry.licence_note:
            lines.append(f"- {plain(entry.licence_note)}")
        lines.append("")
    if len({root for root, entry in entries.items() if entry}) > 1:
        lines.append("The terms of all these bases hold together.")
    return "\n".join(lines).rstrip()


def _loading(facts: CardFacts) -> str:
    export = (
        "It needs what it was made from. Write it out as an ordinary checkpoint, which plain "
        "transformers loads:\n\n```\n"
        f"workbench export {_word(facts.name)} --format hf --to DIR\n```"
    )
    if facts.kind == "merge":
        body = (
            "```python\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            'folder = "."  # where this file lies\n'
            "model = AutoModelForCausalLM.from_pretrained(folder)\n"
            "tokenizer = AutoTokenizer.from_pretrained(folder)\n```"
        )
    elif facts.kind == "finetune" and _on_hub_base(facts):
        body = (
            "```python\nfrom peft import PeftModel\n"
            "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
            'folder = "."  # where this file lies\n'
            f"base = AutoModelForCausalLM.from_pretrained({json.dumps(facts.roots[0])})\n"
            "model = PeftModel.from_pretrained(base, folder)\n"
            "tokenizer = AutoTokenizer.from_pretrained(folder)\n```"
        )
    else:
        body = export
    return f"## How to load it\n\n{body}"


def _on_hub_base(facts: CardFacts) -> bool:
    """Whether the adapter lies directly on one hub base: deeper ones need their parents too."""
    if len(facts.roots) != 1 or facts.roots[0].startswith(OWN_PREFIX):
        return False
    return facts.on_base and HUB_ID.fullmatch(facts.roots[0]) is not None


def _word(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", name) else "OUTPUT"


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> str:
    if not scores:
        return ""
    lines = [
        "## Scores",
        "",
        "| task | metric | value | 95% interval | n |",
        "|---|---|---|---|---|",
    ]
    for task, score in scores.items():
        low, high = score.get("ci95") or (None, None)
        interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
        cells = (task, score.get("metric", ""), f"{score['value']:.3f}", interval, score.get("n"))
        lines.append("| " + " | ".join(plain(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _making(facts: CardFacts) -> str:
    record = {k: v for k, v in facts.record.items() if isinstance(v, int | float | str | bool)}
    blocks = ["## How it was made", "Config:", fenced(dict(facts.config))]
    if record:
        blocks += ["Record:", fenced(record)]
    if facts.versions:
        blocks += ["Versions:", fenced(dict(facts.versions))]
    return "\n\n".join(blocks)
