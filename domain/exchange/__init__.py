"""Exchange between a user's own wallets: recorded rates, quotes at them, and our open position until it is covered."""
