"""What a scan asks: probe files, lm-eval tasks as probes, and how both become token ids."""
