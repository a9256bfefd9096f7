"""Accounting periods: open, soft-closed, locked; and the pack that a close leaves behind."""
