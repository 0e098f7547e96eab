"""The statistics of a study: groups of bases compared by their families, in seven senses."""
