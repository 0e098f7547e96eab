"""Paired statistics: how sure a difference between two outputs is."""
