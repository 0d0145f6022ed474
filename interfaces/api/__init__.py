"""The REST API: one router file per subject. It parses, commands or asks, and answers; it decides nothing."""
