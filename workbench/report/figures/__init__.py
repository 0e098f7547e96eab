"""Figures as SVG text, one file a figure. They take numbers and give markup, and read no files."""
