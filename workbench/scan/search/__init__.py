"""Which layer paths to measure: one search a file, all against the same :class:`meter.Meter`."""
