"""Bases whose right answer is known: how they were trained, and what is true of them."""
