"""Reactions: an event becomes commands for other streams. One file per subject; runner.py drives them all."""
