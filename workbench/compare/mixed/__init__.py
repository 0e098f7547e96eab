"""Linear mixed models with crossed or nested random intercepts, and inference for few groups.

The leaderboard's analysis and the study both stand on it.
"""
