"""What goes along with merged weights: tokenizer, chat template, generation settings, block."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import user_error
from workbench.merge.config import MergeConfig, donor
from workbench.merge.generation import write_generation
from workbench.merge.vocabulary import Vocabulary, template_from

#: Carried from the donor where no tokenizer is built: the files a tokenizer may consist of.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
)


def write_tokenizer(
    config: MergeConfig, folders: Mapping[str, Path], vocabulary: Vocabulary, out: Path
) -> str | None:
    """Writes tokenizer, chat template and generation settings; returns the template's model."""
    giver = folders[donor(config)]
    if vocabulary.built is not None:
        vocabulary.built.tokenizer.save_pretrained(out)
    else:
        for file in TOKENIZER_FILES:
            if (giver / file).is_file():
                shutil.copyfile(giver / file, out / file)
    write_generation(config, folders, out)
    settings = out / "tokenizer_config.json"
    if settings.is_file():
        # A template left here would shadow, or differ from, the one written beside it.
        content = json.loads(settings.read_text(encoding="utf-8"))
        if content.pop("chat_template", None) is not None:
            settings.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    name, text = _template(config, folders) or (None, None)
    if text is not None:
        (out / "chat_template.jinja").write_text(text, encoding="utf-8")
    return name


def _template(config: MergeConfig, folders: Mapping[str, Path]) -> tuple[str, str] | None:
    from importlib.resources import files

    asked = config.chat_template
    if asked is None or asked == "auto":
        return template_from(config, folders)
    if "{" in asked:
        return "recipe", asked
    shipped = files("mergekit._data.chat_templates")
    names = sorted(f.name.removesuffix(".jinja") for f in shipped.iterdir() if ".jinja" in f.name)
    if asked not in names:
        raise user_error(
            f"no chat template is called {asked!r}",
            "mergekit ships " + ", ".join(names),
            "use one of these, auto, or the template's text",
        )
    return asked, (shipped / f"{asked}.jinja").read_text(encoding="utf-8")


def write_block(config: MergeConfig, out: Path) -> None:
    """The user's block, with the user's names: mergekit's copy would hold this machine's paths."""
    import yaml

    block = config.model_dump(mode="json", exclude_none=True, exclude={"options"})
    text = yaml.safe_dump(block, sort_keys=False, allow_unicode=True)
    (out / "mergekit_config.yml").write_text(text, encoding="utf-8")
