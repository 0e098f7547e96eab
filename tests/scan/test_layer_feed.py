"""The feed of layers against a plain account of who is in memory."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.scan.stream.layer_feed import LayerFeed
from workbench.scan.stream.layer_files import Traffic


class Memory:
    """Which layers are in, and how many were at once; ``broken`` ones cannot be brought in."""

    def __init__(self, broken: frozenset[int] = frozenset()) -> None:
        self.inside: set[int] = set()
        self.most = 0
        self.broken = broken

    def fill(self, k: int) -> None:
        assert k not in self.inside
        self.inside.add(k)
        self.most = max(self.most, len(self.inside))
        if k in self.broken:
            raise OSError(f"layer {k}")

    def empty(self, k: int) -> None:
        self.inside.discard(k)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.integers(0, 4), max_size=12),
    st.frozensets(st.integers(0, 4), max_size=2),
    st.booleans(),
)
def test_any_order_of_opening(n, order, broken, prefetch):
    memory, traffic = Memory(broken), Traffic()
    feed = LayerFeed(n, memory.fill, memory.empty, traffic, prefetch=prefetch)
    for k in (k for k in order if k < n):
        if k in broken:
            with pytest.raises(OSError, match=f"layer {k}"), feed.open(k):
                pass
        else:
            with feed.open(k):
                assert k in memory.inside
        assert k not in memory.inside or (prefetch and n > 1)
    assert memory.most <= (2 if prefetch else 1)
    assert traffic.layers == sum(k < n and k not in broken for k in order)


def test_layers_in_order_are_there_before_they_are_asked_for():
    memory, traffic = Memory(), Traffic()
    feed = LayerFeed(4, memory.fill, memory.empty, traffic, prefetch=True)
    for k in (0, 1, 2, 3, 0, 1, 2, 3):
        with feed.open(k):
            pass
    assert (traffic.layers, traffic.ahead) == (8, 7)


def test_a_layer_within_a_layer():
    memory = Memory()
    feed = LayerFeed(6, memory.fill, memory.empty, Traffic(), prefetch=True)
    with feed.open(1), feed.open(4):
        assert memory.inside == {1, 4}
        with feed.open(1):
            pass
        assert memory.inside == {1, 4}
    assert memory.inside <= {5}


def test_interrupting_does_not_wait_for_the_layer_on_its_way():
    """Ctrl-C while the thread reads a layer that takes half a minute."""
    program = """
import time
from workbench.scan.stream.layer_feed import LayerFeed
from workbench.scan.stream.layer_files import Traffic, stop_when_leaving

def fill(k):
    for _ in range(600 if k else 0):
        stop_when_leaving()
        time.sleep(0.05)

with LayerFeed(9, fill, lambda k: None, Traffic(), prefetch=True).open(0):
    print("open", flush=True)
    time.sleep(60)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-1, text=True)
    assert child.stdout is not None and child.stdout.readline() == "open\n"
    time.sleep(0.1)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert time.monotonic() - began < 10
    assert "KeyboardInterrupt" in said
    assert child.returncode != 0
