"""The Open LLM Leaderboard: its points, its published entries, and what they let one conclude.

What stands where:

- ``normalise.py``: the one formula from accuracy to points; ``scheme.py`` and ``schemes/``: which
  scores it is applied to and how they are averaged, a leaderboard a file.
- ``points.py``: an evaluation's points with intervals, against a parent's item by item, and from
  published raw figures. ``parts.py`` takes what is above one floor from its items, ``carried.py``
  carries the intervals through the formula, ``ifeval.py`` knows what IFEval's two accuracies share.
- ``published.py``: the tables in ``evals/published/``, one a suite.
- ``luck.py``: a published entry against another, in figures and words (``luck_words.py``), and
  what the best of many worthless variants (``worthless.py``) would show.
- ``reproduce/``: the verdict on a published entry that a recipe reproduces.
- ``table/`` reads the leaderboard's own export; ``analysis/`` says what thousands of entries say.

Figures here are the leaderboard's own kind: points from 0 (chance) to 100.
"""
