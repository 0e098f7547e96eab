"""YAML with places: the same data as a YAML 1.2 library reads, and nothing that hurts."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from workbench.errors import UserError
from workbench.recipe.compose import MAX_SIZE
from workbench.recipe.scalars import resolve
from workbench.recipe.tree import read_tree

words = st.text("abcxyz01. -_é", min_size=1, max_size=8)
scalars = st.one_of(
    words,
    st.booleans(),
    st.none(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
)
documents = st.dictionaries(
    words,
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)
        ),
        max_leaves=12,
    ),
    min_size=1,
    max_size=5,
)


def library(text: str) -> object:
    return YAML(typ="safe", pure=True).load(text)


@settings(max_examples=40, deadline=None)
@given(documents)
def test_reads_what_ruamel_writes(document: dict[str, object]) -> None:
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.width = 10_000  # it would break a long key over two lines, which no YAML allows
    writer.dump(document, stream)
    tree, problems = read_tree(stream.getvalue(), "f")
    assert problems == []
    assert tree.data() == document


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[-+]?[0-9]{0,4}\.?[0-9]{0,3}([eE][-+]?[0-9]{1,2})?", fullmatch=True))
def test_numbers_are_those_of_yaml_1_2(text: str) -> None:
    # ruamel reads "1." and "+.5e3" as the standard does; a leading zero as decimal.
    if text in ("", "-", "+", ".", "-.", "+."):
        return
    expected = library(text)
    if isinstance(expected, str):
        return
    assert resolve(text) == expected


@pytest.mark.parametrize(
    ("word", "value"),
    [("no", "no"), ("on", "on"), ("2e-4", 2e-4), ("0x1F", 31), ("0o17", 15), ("~", None)],
)
def test_words_that_yaml_1_1_read_otherwise(word: str, value: object) -> None:
    assert resolve(word) == value


def test_anchors_and_merge_keys_are_written_out_at_their_places() -> None:
    text = (
        "a: &a {x: 1, y: 2}\n"
        "b: &b {y: 3, z: 4}\n"
        "one: {<<: *a, y: 9}\n"
        "two: {<<: [*a, *b], w: 5}\n"
        "chain: {<<: {<<: *b, q: 0}}\n"
        "list: [*a, *a]\n"
    )
    tree, _ = read_tree(text, "f")
    assert tree.data() == library(text)
    assert tree.data()["two"] == {"w": 5, "x": 1, "y": 2, "z": 4}
    merged = tree.find(("one", "x"))
    assert merged is not None and (merged.where.line, merged.where.column) == (1, 11)
    first, second = tree.find(("list", 0)), tree.find(("list", 1))
    assert first is not second  # --set on one must not change the other


def test_a_key_given_twice_is_found_with_both_lines() -> None:
    tree, problems = read_tree("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "f")
    assert len(problems) == 1
    assert str(problems[0].where) == "f:5:3"
    assert "line 3" in problems[0].cause
    assert tree.data() == {"a": 1, "b": {"c": 1, "d": 2}}


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{k{i}: *a{i - 1}, l{i}: *a{i - 1}}}\n" for i in range(1, 30)
)
DEEP_BY_ALIAS = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5000))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, f"{MAX_SIZE:,} values"),
        (MERGE_BOMB, f"{MAX_SIZE:,} values"),
        ("a: &a " + "y" * 100_000 + "\nb: [" + "*a," * 100_000 + "]", "values"),
        (DEEP_BY_ALIAS, "nested deeper"),
        ("[" * 500_000, "nested deeper"),
        ("a: " * 50_000, "not valid YAML"),
        ("{a: " * 100_000, "nested deeper"),
        ("a: &a {b: *a}", "contains itself"),
        ("a: *nowhere", "no anchor"),
        ("a: !!python/object/apply:os.system [echo]", "!!python/object/apply:os.system"),
        ("a: !!python/name:os.system", "refused"),
        ("a: !binary x", "refused"),
        ("a: 1\n---\na: 2", "second document"),
        ("", "empty"),
        ("# only a remark\n", "empty"),
        ("\x00\x01\x02", "text file"),
        ("a:\n\tb: 1", "not valid YAML"),
        ("a: 'x", "not valid YAML"),
        ("? [a]\n: b", "where a key should be"),
        ("<<: 3", "merges mappings only"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_hostile_text_is_refused_quickly(text: str, words: str) -> None:
    start = time.perf_counter()
    with pytest.raises(UserError) as caught:
        read_tree(text, "f")
    assert words in str(caught.value)
    assert time.perf_counter() - start < 2


def test_a_tab_is_named() -> None:
    with pytest.raises(UserError, match="spaces"):
        read_tree("a:\n\tb: 1", "f")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_tree_or_a_user_error(text: str) -> None:
    try:
        tree, _ = read_tree(text, "f")
    except UserError:
        return
    tree.data()
