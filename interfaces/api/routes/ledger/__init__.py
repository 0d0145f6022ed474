"""The ledger: entries in, and accounts, statements and the trial balance out. Debit positive."""
