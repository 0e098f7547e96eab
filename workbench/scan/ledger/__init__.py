"""Every measurement of a scan, kept through kills and asked for once."""
