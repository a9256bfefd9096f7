"""Reconciliation: what other systems say was ordered and paid, held against the books."""
