"""Simulation: what a draft of rules would have given, had it been in force; nothing is written.

Stored history is replayed member by member in two worlds at once: under the rules that were in force, and
under the draft. Processes of their own do it, all on one snapshot of the books, and the report is the
difference of the worlds.
"""
