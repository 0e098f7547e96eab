"""A published before/after table as a study: a row a base, task, treatment and seed."""

from workbench.study.table.read import read_table
from workbench.study.table.table import StudyTable

__all__ = ["StudyTable", "read_table"]
