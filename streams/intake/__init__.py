"""How SES's events get in: envelope.py peels, ses.py reads, identity.py names, files.py finds them on disk.

Read in this order: times.py and fields.py (odd JSON, calmly), jsontext.py and envelope.py (from bytes to an event),
identity.py and ses.py (from an event to a Feedback), split.py and files.py (from a file to its items). Nothing here
decides what a bounce means, and nothing here asks a clock: an event has its own time.
"""
