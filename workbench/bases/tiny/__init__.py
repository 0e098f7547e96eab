"""Tiny bases: real architectures of about a million parameters, trained by this project."""
