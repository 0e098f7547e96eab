"""Decoder layers read from disk one at a time, for a model larger than memory."""
