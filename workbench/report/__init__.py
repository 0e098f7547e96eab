"""The HTML page of a run, and the same numbers as a table on the terminal."""
