"""The Open LLM Leaderboard: its normalisation and its published entries.

Figures here are the leaderboard's own kind: points from 0 (chance) to 100, averaged over six tasks.
What a reproduction is, and what the whole table says, will be judged by these.
"""
