"""The items that probes ask, and asking them."""
