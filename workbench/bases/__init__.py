"""Base models: what they are, where they lie, loading them, and their decoder stack."""
