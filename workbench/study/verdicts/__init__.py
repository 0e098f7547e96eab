"""What a study says in words: its answers, and what the explanations are worth."""
