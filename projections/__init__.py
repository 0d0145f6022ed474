"""Read models: folded from the log by `apply`, read by the queries beside it. Nothing is decided from them."""
