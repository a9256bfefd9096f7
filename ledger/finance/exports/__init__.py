"""Exports of the journal: legs as CSV and Parquet, and plain-text accounting that strangers can check."""
