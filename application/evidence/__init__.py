"""Tamper evidence beside the log: hashes of every event and receipt, in trees whose roots are signed now and then."""
