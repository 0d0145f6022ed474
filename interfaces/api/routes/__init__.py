"""One router per subject: parse, command or query, answer."""
