"""Stored forms: what is kept per message and per recipient. Knows no store and no rule."""
