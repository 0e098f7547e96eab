"""What a leaderboard's whole table says of the bases that its entries were made from.

``analyse(table, seed=…)`` gives the dict that ``results.json`` holds. One file a question:
``answers.py`` (the first lines), ``mixed.py`` (the country coefficient, control by control),
``groups.py``, ``selection.py`` (equal n), ``suspects.py`` (one benchmark only), ``frontier.py``,
``robustness.py`` (with the ``changes.py`` of rows), ``entries.py`` (single ones against parents),
``forest.py`` (family trees). ``outcomes.py`` says what is measured on whom. Below them:
``reml.py`` on ``levels.py`` (the fit), ``inference.py`` and ``permutation.py`` (few families),
``clusters.py`` (the bootstrap).
"""

from workbench.leaderboard.analysis.analyse import analyse

__all__ = ["analyse"]
