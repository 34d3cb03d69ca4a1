"""Dagster's view of the house: thin, one call into the room that does the work."""
