"""Who holds what: programs, holders, the chart of accounts, balances and lots."""
