"""Venues behind the exchange port, and the candles that the simulated one trades on."""
