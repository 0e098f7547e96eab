"""What was scored, as the table that every study is analysed from."""
