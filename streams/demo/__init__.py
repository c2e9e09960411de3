"""A believable mail day that checks itself: what `ses-streams demo` shows.

Read in this order: stories.py and plots.py (what can happen to a mail, and what must come of it), people.py, day.py
(a seeded day made of stories), ses_json.py and envelopes.py (how SES says it), poison.py, corpus.py; ledger.py (what
must come out); feed.py, worker.py, stage.py (the real thing: broker, topics, worker process); audit.py and verdict.py
(what did come out, read from the topics and compared with the ledger); view.py, ending.py, run.py.

Nothing outside may import this package but the command. What must come out is never asked of decide/ or hops/.
"""
