"""The central store: SQLite by default, PostgreSQL by URL."""
