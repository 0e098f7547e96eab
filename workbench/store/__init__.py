"""Outputs on disk: content-addressed, written beside and renamed into place, verified by sha256."""
