"""The adapters whose index is inside the database: SQLite's FTS5, and PostgreSQL."""
