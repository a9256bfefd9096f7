"""Locks on members, and limits of what may be moved at a time and in a day: how they are set, and how they are told."""
