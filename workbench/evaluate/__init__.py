"""The bridge to lm-eval: suites, conditions, per-item results."""
