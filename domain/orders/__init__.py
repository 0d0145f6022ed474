"""Orders: what a user asked a venue to do, and what the venue said. Market orders for now."""
