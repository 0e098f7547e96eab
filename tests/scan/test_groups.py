from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.scan.schedule.groups import group, pack, spread
from workbench.scan.schedule.request import Reading


@st.composite
def readings(draw):
    beginning = draw(st.lists(st.integers(0, 3), max_size=20))
    found = []
    for _ in range(draw(st.integers(1, 12))):
        kept = draw(st.integers(0, len(beginning)))
        rest = draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))
        tokens = (*beginning[:kept], *rest)
        at = draw(st.integers(0, len(tokens) - 1))
        found.append(Reading(tokens, (at,), ((0,),)))
    return found


@given(readings(), st.integers(1, 200))
@settings(max_examples=200, deadline=None)
def test_groups_hold_every_reading_once_and_their_prefix_is_shared(asked, most):
    groups = group(asked, most)
    assert sorted(r for each in groups for r in each.members) == list(range(len(asked)))
    for each in groups:
        first = asked[each.members[0]].tokens[: each.prefix]
        for r in each.members:
            reading = asked[r]
            assert reading.tokens[: each.prefix] == first
            assert len(reading.tokens) <= each.prefix + each.width
            # Something is left to run, and all answers are read in it.
            assert min(*reading.positions, len(reading.tokens) - 1) >= each.prefix
        assert each.tokens <= most or len(each.members) == 1


def test_a_long_common_beginning_is_run_once():
    beginning = tuple(range(100))
    asked = [Reading((*beginning, 200 + n), (100,), ((1,),)) for n in range(10)]
    (only,) = group(asked, 10_000)
    assert (only.prefix, only.width, only.tokens) == (100, 1, 110)


def test_options_of_different_questions_share_their_question():
    asked = [
        Reading((*(q * 50 + t for t in range(40)), 900 + option), (40,), ((1,),))
        for q in range(3)
        for option in range(4)
    ]
    assert sum(each.tokens for each in group(asked, 10_000)) == 3 * (40 + 4)


def test_chunks_keep_to_their_size():
    asked = [Reading(tuple(range(n, n + 30)), (29,), ((1,),)) for n in range(0, 900, 30)]
    chunks = pack(group(asked, 100), 100)
    assert all(sum(each.tokens for each in chunk) <= 100 for chunk in chunks)


def test_spreading_halves_until_it_fits():
    parts = spread(range(10), 3, len)
    assert [p for part in parts for p in part] == list(range(10))
    assert all(len(part) <= 3 for part in parts)
