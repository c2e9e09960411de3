"""The closed loop of the demo: requests in, mails through a simulated SES, feedback back, every request to its end.

Read in this order: tales.py and plots.py (what can happen to a request, and how it must end), requests.py (a seeded
choice of tales), ledger.py (what must become of each request), clerk.py (hands them in, each at its cue), ses.py (the
simulator's process), audit.py and judgement.py (what did become of them), closed.py (all of it as one part of the
show).

As everywhere in the demo, what must come out is never asked of decide/, hops/ or dispatch/.
"""
