"""The demo: a year of real grocery baskets replayed through the engine on a test clock, and reconciled."""
