"""Sub-tests that probes are put together from, and the few statistics they need."""
