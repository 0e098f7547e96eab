"""The recipe: from YAML to a checked plan. Knows every step's config and nothing heavy."""
