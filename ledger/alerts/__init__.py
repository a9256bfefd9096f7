"""Alerts: what somebody should look at, raised once for each subject, and acknowledged by whoever has looked."""
