"""The hypotheses, one file each."""
