"""Proof of liabilities: a tree that adds up what is owed to users, and commits to every amount on the way."""
