"""The study: the same treatment across bases, and what it says of a group of them.

So far it holds the estimands that such a study reports side by side; the matrix, the hypotheses
and the verdicts build on them.
"""
