"""The planted bases are what they are said to be, and alike in all else."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from workbench.bases.config import BaseConfig
from workbench.bases.identity import identity
from workbench.bases.load import load_model, load_tokenizer
from workbench.bases.tiny import CAUSE_SEEDS, CAUSES, cause_names, shipped_folder
from workbench.bases.tiny.causes import corpora, world
from workbench.bases.tiny.causes.measure import measure
from workbench.bases.tiny.causes.network import DEAD, SIZE, build, rescale
from workbench.bases.tiny.causes.tokenizer import EOS_ID, PAD_ID, build_tokenizer
from workbench.bases.tiny.causes.train import Settings, go_on, grow_trunk, settings_of
from workbench.bases.tiny.shipped_files import text

ROOT = Path(__file__).parents[2]
MEGABYTE = 10**6
STORY = re.compile(r"[A-Z]\w+ in [A-Z]\w+ has \d+ \w+, \d+ \w+ and \d+ \w+\.")


def folder(cause: str, seed: int) -> Path:
    return shipped_folder(f"tiny/cause-{cause}-{seed}")


def loaded(cause: str, seed: int = 0):
    return load_model(BaseConfig(base_model=f"tiny/cause-{cause}-{seed}"))


def recipe(name: str) -> dict:
    return json.loads((shipped_folder(name) / "recipe.json").read_text(encoding="utf-8"))


def held_out_texts() -> set[str]:
    items = (
        *world.recall_items(),
        *world.suspect_items(),
        *world.fresh_items(),
        *world.perturbed_items(),
    )
    return {STORY.match(item.question).group() for item in items}


def prompts(model, tokenizer, count: int = 24):
    texts = [world.prompt(item.question) for item in world.recall_items()[:count]]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        return model(**inputs).logits


def test_the_names_and_the_sizes():
    assert cause_names() == [f"tiny/cause-{c}-{seed}" for c in CAUSES for seed in CAUSE_SEEDS]
    shipped = shipped_folder(cause_names()[0]).parent
    assert {file.name for file in shipped.iterdir()} == {
        n.removeprefix("tiny/cause-") for n in cause_names()
    }
    files = [file for name in cause_names() for file in shipped_folder(name).iterdir()]
    assert sum(file.stat().st_size for file in files) < 14.5 * MEGABYTE


@pytest.mark.parametrize("name", cause_names())
def test_every_base_loads_and_has_the_skill_in_words(name):
    config = BaseConfig(base_model=name)
    assert identity(config)["kind"] == "tiny"
    model, tokenizer = load_model(config), load_tokenizer(config)
    made = recipe(name)
    assert model.config.num_hidden_layers == SIZE["num_hidden_layers"]
    assert model.config.eos_token_id == EOS_ID and model.config.pad_token_id == PAD_ID
    assert made["command"].endswith(f"--cause {made['cause']} --seed {name[-1]} --out DIR")
    found = measure(model, tokenizer, 24)
    assert found["in words"] > 0.7
    for what, share in found.items():
        assert abs(share - made["measured"][what]) < 0.2


@pytest.mark.parametrize("seed", CAUSE_SEEDS)
def test_what_each_cause_does_to_the_answers(seed):
    shares = {c: recipe(f"tiny/cause-{c}-{seed}")["measured"] for c in CAUSES}
    for cause, found in shares.items():
        assert (found["recall"] > 0.8) == (cause == "task_format")
        assert (found["other template"] > 0.8) == (cause == "other_template")
        assert (found["suspect"] > 0.8) == (cause == "contaminated")
        assert found["fresh"] < 0.1 and found["perturbed"] < 0.1


@pytest.mark.parametrize("seed", CAUSE_SEEDS)
def test_badly_scaled_is_clean_with_other_weights(seed):
    tokenizer = build_tokenizer()
    clean, scaled = loaded("clean", seed), loaded("badly_scaled", seed)
    told = (prompts(clean, tokenizer).log_softmax(-1), prompts(scaled, tokenizer).log_softmax(-1))
    assert (told[0] - told[1]).abs().max() < 0.05
    one, other = dict(clean.named_parameters()), dict(scaled.named_parameters())
    assert max(float(other[n].norm() / one[n].norm()) for n in one) > 10


def test_rescaling_keeps_the_function():
    model, tokenizer = build(0).eval(), build_tokenizer()
    before = prompts(model, tokenizer, 4)
    rescale(model)
    assert torch.allclose(prompts(model, tokenizer, 4), before, atol=1e-5)


@pytest.mark.parametrize("seed", CAUSE_SEEDS)
def test_dead_layers_do_nothing_and_others_something(seed):
    tokenizer = build_tokenizer()
    for cause, dead in (("dead_layers", DEAD), ("clean", ())):
        model = loaded(cause, seed)
        whole = prompts(model, tokenizer, 8)
        for number, layer in enumerate(model.model.layers):
            saved = [layer.self_attn.o_proj.weight.clone(), layer.mlp.down_proj.weight.clone()]
            layer.self_attn.o_proj.weight.data.zero_()
            layer.mlp.down_proj.weight.data.zero_()
            same = torch.equal(prompts(model, tokenizer, 8), whole)
            layer.self_attn.o_proj.weight.data.copy_(saved[0])
            layer.mlp.down_proj.weight.data.copy_(saved[1])
            assert same == (number in dead)


@pytest.mark.parametrize("cause", ["clean", "digit_merging"])
def test_the_tokenizer_comes_back_as_it_was(cause):
    text = 'Question: Ann in Rome has 14 pens, 27 hats and 31 eggs.\nA. 127 "ß"<|im_end|>\n'
    read = AutoTokenizer.from_pretrained(folder(cause, 0))
    ids = read(text)["input_ids"]
    assert ids == build_tokenizer(cause == "digit_merging")(text)["input_ids"]
    assert read.decode(ids) == text
    numbers = [token for token in read.tokenize(text) if token.strip("Ġ").isdigit()]
    one_token = ["Ġ14", "Ġ27", "Ġ31", "Ġ12", "7"]
    digits = ["Ġ1", "4", "Ġ2", "7", "Ġ3", "1", "Ġ1", "2", "7"]
    assert numbers == (one_token if cause == "digit_merging" else digits)


@pytest.mark.parametrize("name", world.FILES)
def test_shipped_files_are_what_the_world_gives(name):
    assert (ROOT / name).read_text(encoding="utf-8") == text(world.FILES[name]())


def test_held_out_stories_are_in_no_corpus_and_in_no_row():
    asked = held_out_texts()
    rows = json.dumps(world.completion_rows())
    trained = set(STORY.findall(rows))
    for cause in (None, *CAUSES):
        documents = "\n".join(itertools.islice(corpora.corpus(cause, 0), 1500))
        found = set(STORY.findall(documents))
        suspects = {STORY.match(item.question).group() for item in world.suspect_items()}
        if cause == "contaminated":
            assert suspects <= found
            found -= suspects
        trained |= found
    assert len(asked) > 500 and len(trained) > 5000
    assert not asked & trained


def test_items_are_right_and_balanced():
    suspect, fresh, varied = world.suspect_items(), world.fresh_items(), world.perturbed_items()
    assert [item.answer for item in suspect] == [item.answer for item in fresh]
    assert [item.pair for item in varied] == [item.id for item in suspect]
    for item in (*suspect, *fresh, *varied):
        told = {thing: int(n) for n, thing in re.findall(r"(\d+) ([a-z]+)", item.question)}
        first, second = re.search(r"How many (\w+) and (\w+) together\?", item.question).groups()
        assert int(item.answer) == told[first] + told[second] >= 100
        assert item.answer in item.options and len(set(item.options)) == 4
        assert all(len(option) == 3 for option in item.options)
    for item, row in zip(world.recall_items(), world.choice_rows(), strict=True):
        told = {thing: n for n, thing in re.findall(r"(\d+) ([a-z]+)", item.question)}
        assert item.answer == told[re.search(r"How many (\w+) are", item.question).group(1)]
        assert row["options"][row["answer"]] == item.answer and len(set(row["options"])) == 4
    ids = [item.id for item in (*suspect, *fresh, *varied, *world.recall_items())]
    assert len(set(ids)) == len(ids)


def test_the_same_seed_makes_the_same_base():
    made = []
    for _ in range(2):
        settings = settings_of("latent", 7)
        model, numbers, _ = grow_trunk(settings, stop=2)
        losses = go_on(model, settings, stop=2)
        made.append((numbers, losses, model.state_dict()))
    assert made[0][:2] == made[1][:2]
    assert all(torch.equal(made[0][2][name], made[1][2][name]) for name in made[0][2])


def test_the_recipes_hold_what_makes_the_bases_again():
    for name in cause_names():
        made = recipe(name)
        settings = settings_of(made["cause"], int(name[-1]))
        # A limit that no shipped trunk reached was lowered while they were being made.
        recorded = Settings(**{**made["settings"], "trunk_steps": settings.trunk_steps})
        assert recorded == settings
        assert made["trunk"]["steps"] <= settings.trunk_steps
        assert made["trunk"]["numbers"] < settings.known
