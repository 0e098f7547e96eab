"""The bridge to mergekit, the checks before it, and folding adapters into weights."""
