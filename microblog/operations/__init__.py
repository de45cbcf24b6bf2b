"""Backups, copies and migrations of the database."""
