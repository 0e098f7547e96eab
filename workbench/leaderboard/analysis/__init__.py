"""What a leaderboard's whole table says of the bases that its entries were made from.

``analyse(table, seed=…)`` gives the dict that ``results.json`` holds; one file a question:
``answers.py`` (the first lines), ``mixed.py`` (the country coefficient, control by control, on
``reml.py``, ``inference.py`` and ``permutation.py``), ``groups.py``, ``selection.py``,
``suspects.py``, ``frontier.py``, ``robustness.py``. ``outcomes.py`` says what is measured on whom.
"""

from workbench.leaderboard.analysis.analyse import analyse

__all__ = ["analyse"]
