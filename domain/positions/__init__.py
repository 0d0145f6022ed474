"""Positions: what fills, fees, interest and funding make of an instrument at a connection, and their entries."""
