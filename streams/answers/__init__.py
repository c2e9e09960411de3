"""Answers: why somebody gets no mail, and what became of one mail. Read model.py first, then why.py, then trace.py."""
