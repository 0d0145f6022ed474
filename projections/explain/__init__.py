"""From a number back to what made it: the events that set or moved it, their receipts, and what caused them."""
