"""What a study decides beforehand: its block, its matrix, its groups, its registration."""
