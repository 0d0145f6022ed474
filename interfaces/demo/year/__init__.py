"""A simulated year of a whole house: what the finance queries are proven on."""
