"""Benchmarks: what the ledger does in a second, beside what PostgreSQL's own pgbench does on the same server.

Nothing here is a test: no figure passes or fails. ``python -m benchmarks`` prints them; ``docs/benchmarks.md``
says how to read them.
"""
