"""How members earn: program terms, purchases, direct awards, returns."""
