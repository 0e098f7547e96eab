"""The shipped probes: what they ask, how they score, and the floors that they state."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.answers import replies, said, scored, table
from workbench.errors import UserError
from workbench.scan.probes.encode import Encoder
from workbench.scan.probes.items import Split
from workbench.scan.probes.probe import find_probe
from workbench.scan.probes.readings import expected_digit, rating_reading
from workbench.scan.schedule.request import Generation, Reply

NAMES = ("math-guess", "emotion", "logit-rating", "lm", "multiple-choice")
SPLITS: tuple[Split, Split] = ("search", "held-out")


@pytest.fixture(scope="module")
def model(tiny_folder: Callable[..., Path]) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_folder("qwen2"), dtype="float32").eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_folder: Callable[..., Path]) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_folder("qwen2"))


@pytest.fixture(scope="module", params=[True, False], ids=["chat", "plain"])
def encoder(request: pytest.FixtureRequest, tokenizer: Any) -> Encoder:
    return Encoder(tokenizer, chat=request.param)


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(0, 60))
def test_splits_are_disjoint_come_from_the_seed_and_grow_at_the_end(
    name: str, seed: int, few: int, more: int
) -> None:
    probe = find_probe(name, {})
    search, held_out = ({i.id for i in probe.items(60, seed=seed, split=s)} for s in SPLITS)
    assert search and held_out and not search & held_out
    few, more = sorted((few, more))
    long = probe.items(more, seed=seed, split="held-out")
    assert len(long) == min(more, len(held_out))
    assert list(long)[:few] == probe.items(few, seed=seed, split="held-out")


@pytest.mark.parametrize("options", [{}, {"ask": "likelihood"}])
@pytest.mark.parametrize("name", NAMES)
def test_every_probe_scores_a_real_model(
    name: str, options: dict[str, Any], model: Any, encoder: Encoder
) -> None:
    if options and name != "math-guess":
        pytest.skip("one way to ask")
    probe = find_probe(name, options)
    for item in probe.items(3, seed=1, split="search"):
        asked = probe.ask(item, encoder)
        assert isinstance(asked, Generation) is probe.needs_generation
        scores = scored(model, probe, item, encoder)
        assert set(scores) == set(probe.metrics) and set(probe.floors) <= set(probe.metrics)
        assert all(map(math.isfinite, scores.values()))
        if not isinstance(asked, Generation):
            overflowed = [
                Reply(tuple((math.nan,) * len(row) for row in r.targets), (-1,) * len(r.targets))
                for r in asked
            ]
            assert all(map(math.isnan, probe.score(item, overflowed).values()))


@given(st.lists(st.floats(-40, 0), min_size=10, max_size=10), st.floats(-5, 5))
def test_expected_digit_is_the_mean_of_the_renormalised_digits(
    logprobs: list[float], shift: float
) -> None:
    mean, variance = expected_digit(logprobs)
    weights = [math.exp(value) for value in logprobs]
    by_hand = sum(k * w for k, w in enumerate(weights)) / sum(weights)
    assert mean == pytest.approx(by_hand, abs=1e-9)
    squares = sum(k * k * w for k, w in enumerate(weights)) / sum(weights)
    assert variance == pytest.approx(squares - by_hand**2, abs=1e-7)
    # What other tokens take away from the digits changes nothing.
    assert expected_digit([value + shift for value in logprobs]) == pytest.approx((mean, variance))


def test_a_rating_reads_the_digits_where_they_would_stand(model: Any, encoder: Encoder) -> None:
    framed = encoder.framed("How many legs has a spider? One digit, please.")
    reading = rating_reading(encoder, framed)
    for digit, target in enumerate(reading.targets[0]):
        assert encoder.text([*reading.tokens, target]).endswith(f"{encoder.space}{digit}")
    (reply,) = replies(model, [reading])
    chances = table(model, reading.tokens)[-1].exp()[list(reading.targets[0])]
    by_hand = float((chances * chances.new_tensor(range(10))).sum() / chances.sum())
    assert expected_digit(reply.logprobs[0])[0] == pytest.approx(by_hand, rel=1e-5)


def test_a_tokenizer_without_single_digits_is_refused(tokenizer: Any) -> None:
    class Pairs:
        """Writes digits as their number in Roman letters."""

        chat_template = None

        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def encode(self, text: str, **how: Any) -> list[int]:
            return tokenizer.encode(text.translate({48 + d: "x" * (d + 1) for d in range(10)}))

    with pytest.raises(UserError, match="single tokens"):
        rating_reading(Encoder(Pairs(), chat=False), "How many?")  # type: ignore[arg-type]


def test_emotion_and_rating_score_against_the_label(encoder: Encoder) -> None:
    one_hot = [[float(k == digit) for k in range(10)] for digit in range(10)]
    emotion = find_probe("emotion", {})
    for item in emotion.items(5, seed=0, split="search"):
        asked = emotion.ask(item, encoder)
        ratings = list(item.answer[1].values())
        assert len(asked) == 4 and len({reading.tokens for reading in asked}) == 4
        right = said(asked, [one_hot[rating] for rating in ratings])
        assert emotion.score(item, right) == pytest.approx({"closeness": 1, "order": 1})
        wrong = said(asked, [one_hot[9 - rating] for rating in ratings])
        gap = fmean(abs(9 - 2 * rating) for rating in ratings)
        assert emotion.score(item, wrong) == pytest.approx({"closeness": 1 - gap / 9, "order": -1})

    rating = find_probe("logit-rating", {})
    (item,) = rating.items(1, seed=0, split="search")
    halves = [0.5 if k in (0, 9) else 0.0 for k in range(10)]
    scores = rating.score(item, said(rating.ask(item, encoder), [halves]))
    assert scores["closeness"] == pytest.approx(1 - abs(4.5 - item.answer) / 9)
    assert scores["certainty"] == pytest.approx(-(4.5**2))


def test_made_ratings_and_choices_are_right() -> None:
    words = "first second third fourth fifth sixth seventh eighth".split()  # noqa: SIM905
    for item in find_probe("logit-rating", {}).items(120, seed=3, split="search"):
        text = item.prompt
        numbers = [int(n) for n in "".join(c if c.isdigit() else " " for c in text).split()]
        if "gave" in text:
            right = numbers[0] - numbers[1]
        elif "list" in text:
            word = text.split("the word ")[1].split()[0]
            listed = text.split("list: ")[1].split("?")[0].split(", ")
            right = listed.count(word)
        elif "scale" in text:
            right = 9 * numbers[3] // numbers[2]
        else:
            right = int(str(numbers[0])[words.index(text.split()[3])])
        assert item.answer == right, text
    for item in find_probe("multiple-choice", {}).items(120, seed=3, split="search"):
        options, right = item.answer
        listed = item.prompt.rstrip("?").split(": ")[1].split(", ")
        assert len(set(options)) == 4
        if "largest" in item.prompt:
            assert options[right] == max(listed, key=int)
        elif "alphabet" in item.prompt:
            assert options[right] == min(listed)
        elif "next" in item.prompt:
            a, b = int(listed[0]), int(listed[1])
            assert int(options[right]) == a + 4 * (b - a)


def test_stated_floors_are_what_a_blind_answer_scores(encoder: Encoder, tmp_path: Path) -> None:
    emotion = find_probe("emotion", {})
    scenes = [i for split in SPLITS for i in emotion.items(99, seed=0, split=split)]
    ratings = [rating for i in scenes for rating in i.answer[1].values()]
    # On a grid of constant answers, none beats the stated one and one reaches it.
    best = max(fmean(1 - abs(c / 4 - rating) / 9 for rating in ratings) for c in range(37))
    assert emotion.floors["closeness"] == pytest.approx(best)

    rating = find_probe("logit-rating", {})
    drawn = [i.answer for i in rating.items(4000, seed=0, split="search")]
    assert fmean(1 - abs(4.5 - r) / 9 for r in drawn) == pytest.approx(
        rating.floors["closeness"], abs=0.01
    )
    assert rating.floors["logprob"] == pytest.approx(math.log(0.1))

    rows = [
        {"question": str(n), "options": list("abcdef")[: 2 + n % 5], "answer": 1} for n in range(20)
    ]
    choice = find_probe("multiple-choice", {"file": str(write(tmp_path / "rows.jsonl", rows))})
    rng = random.Random(0)
    hits = []
    for item in [i for split in SPLITS for i in choice.items(99, seed=0, split=split)] * 200:
        n = len(item.answer[0])
        chances = [rng.random() for _ in range(n)]
        hits.append(choice.score(item, [Reply(((c,),), (-1,)) for c in chances])["accuracy"])
    assert fmean(hits) == pytest.approx(choice.floors["accuracy"], abs=0.03)


def test_likelihoods_of_a_users_file(model: Any, encoder: Encoder, tmp_path: Path) -> None:
    rows = [{"prompt": "What is 2 plus 2?", "answer": "four"}, {"text": "Zwölf Boxkämpfer"}]
    probe = find_probe(
        "lm", {"file": "rows.jsonl"}, beside=write(tmp_path / "rows.jsonl", rows).parent
    )
    items = {i.id: i for split in SPLITS for i in probe.items(9, seed=0, split=split)}
    for item in items.values():
        (reading,) = probe.ask(item, encoder)
        answer = [target for (target,) in reading.targets]
        rows_of = table(model, reading.tokens)[list(reading.positions)]
        likelihood = float(sum(row[token] for row, token in zip(rows_of, answer, strict=True)))
        scores = scored(model, probe, item, encoder)
        assert scores["logprob_per_token"] == pytest.approx(likelihood / len(answer), rel=1e-5)
        words = item.answer.encode()
        assert scores["logprob_per_byte"] == pytest.approx(likelihood / len(words), rel=1e-5)
        # Exactly the answer is scored: the space before it, but no line break of a template's.
        lead = encoder.space if item.prompt else ""
        assert encoder.tokenizer.decode(answer) == lead + item.answer
    assert set(items) == {"line 1", "line 2"}


def test_bad_rows_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(
        '{"question": "a", "options": ["x", "y"], "answer": 0}\n'
        '{"question": "b", "options": ["x", "y"], "answr": 0}\n'
        "not json\n\n"
        '{"question": "c", "options": ["x", "y"], "answer": 2}\n'
    )
    with pytest.raises(UserError) as caught:
        find_probe("multiple-choice", {"file": str(bad)})
    told = [(p.where.line if p.where else None, str(p)) for p in caught.value.problems]
    assert [line for line, _ in told] == [2, 2, 3, 5]
    for (_, text), part in zip(
        told, ["has no 'answer'", "did you mean answer", "not JSON", "outside 0 to 1"], strict=True
    ):
        assert part in text
    (tmp_path / "none.jsonl").write_text("\n")
    with pytest.raises(UserError, match="no rows"):
        find_probe("lm", {"file": str(tmp_path / "none.jsonl")})
    with pytest.raises(UserError, match="there is no file"):
        find_probe("logit-rating", {"file": "nowhere.jsonl"}, beside=tmp_path)
