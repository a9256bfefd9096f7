"""Breakage and the ultimate redemption rate: cohort triangles, estimators, ranges and backtests."""
