"""Our own lints: house rules that no public linter knows. Each names the bug it prevents; a test shows it caught."""
