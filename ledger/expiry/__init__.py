"""When points end: policies, and the sweep that books what the clock has already decided."""
