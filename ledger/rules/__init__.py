"""How members earn: program terms, purchases, direct awards, returns and what they take back."""
