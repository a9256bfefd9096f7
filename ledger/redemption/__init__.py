"""Spending: redeem, refund, transfer, and the reversal of any of it."""
