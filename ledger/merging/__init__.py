"""Merging members who are one, and parting them again."""
