"""Withdrawals: a user's money on its way out, from the request to what the bank says."""
