"""Budgets: funds in the books that pay for awards, and the share of a region, which the ledger grants by itself."""
