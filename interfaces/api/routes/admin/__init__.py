"""What the people who run a tenant see and decide."""
