"""Figures of single layers and blocks, cheap to take, and how well they predict the scan's map."""
