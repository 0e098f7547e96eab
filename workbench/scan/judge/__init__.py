"""From measurements to a verdict: gains, chance, winners, and what scan.json says."""
