"""Layer paths: their algebra, running one without copying weights, writing one out."""
