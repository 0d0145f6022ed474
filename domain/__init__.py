"""Pure rules and facts: no I/O, clock, randomness, float, settings or logging; imports the standard library only."""
