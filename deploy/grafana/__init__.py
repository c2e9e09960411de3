"""Four Grafana dashboards, as code: `make dashboards` writes the JSON beside it, and a test holds one to the other.

They are laid out by what people ask: each row is a question, each panel says in its description what to do. promql.py
makes queries from the catalogue of metrics; look.py, panels.py, tables.py and board.py give all of them one look. What
is to be read stands in deliverability.py (with reputation.py), suppression.py, loops.py and pipeline.py (with
surroundings.py). Nothing here is part of the wheel, and no label of an address can come in: what the catalogue does not
have cannot be asked for.
"""
