"""The bridge to lm-eval: suites, conditions, per-item results, each score with its interval."""
