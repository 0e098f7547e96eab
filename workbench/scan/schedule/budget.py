"""How much is run and held at a time: what the scheduler goes by, and what predicts its needs."""

from __future__ import annotations

#: What one layer call makes inside, in bytes: on a CPU no more than its cache holds (measured: 200
#: to 800 tokens of a 256-wide model are a fifth faster than 4,096).
CPU_INSIDE = 7_000_000
#: Tokens of one layer call on a card: enough to keep it busy.
GPU_TOKENS = 16384

#: Shares of the budget of a sweep: hidden states that wait, what a layer makes inside, logits.
STATES, INSIDE, LOGITS = 0.5, 0.25, 0.125
#: The share of it that decoding gives to keys, values and hidden states of its rows; the rest is
#: for what a layer makes inside, and for logits.
ROWS = 0.6

#: Floating point operations of one job, about a minute of one core or of one card: what a kill
#: loses at most.
CPU_JOB, GPU_JOB = 2.0e12, 4.0e15
#: How much longer a job is whose layers are streamed: it reads all weights once a round, so that
#: it should be worth it.
STREAMED_JOB = 4
