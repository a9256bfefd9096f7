"""When points end: the sweep that books what the clock has already decided."""
