"""Programs that do the same join with other tools; each is told everything by its environment (README.md)."""
