"""Tables that people bring: CSV and Parquet files read into columns, and what one cell says.

The leaderboard's exports and the tables of studies are read with the same care.
"""
