"""Bases alike but for one planted cause, so that a study's probes can be held against the truth.

:mod:`~workbench.bases.tiny.causes.world` has what they read and are asked,
:mod:`~workbench.bases.tiny.causes.corpora` what each cause adds to it, and
:mod:`~workbench.bases.tiny.causes.train` makes them.
"""
