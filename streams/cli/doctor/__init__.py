"""`ses-streams doctor`: what commonly goes wrong around a worker, looked at, and how each thing is mended.

A file a group: its table of rules, what is asked of the world, and the judgement over the answers, which asks nobody.
table.py lists the groups, run.py asks them side by side, words.py is the command. Nothing here mends anything itself.
"""
