"""The double-entry ledger: the chart of accounts, the journal entry, and the book that guards an owner's accounts."""
