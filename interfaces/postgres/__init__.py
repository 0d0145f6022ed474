"""PostgreSQL: the embedded server, connections, migrations and the vault. No rule of the product lives here."""
