"""Running all paths together: tries over visits, sweeps, decoding, and who does the work."""
