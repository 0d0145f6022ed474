"""Payment providers behind the port `Payments`, one file per counterpart."""
