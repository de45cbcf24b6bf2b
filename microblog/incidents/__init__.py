"""Errors that reach somebody: each has a number, a line in the log and an alert."""
