"""Runs a plan in this process: makes what is missing, scores it, writes the run's folder."""
