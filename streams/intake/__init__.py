"""How SES's events get in: envelope.py peels, letters.py reads, files.py finds them on disk.

Read in this order: times.py and fields.py (odd JSON, calmly), jsontext.py, pointers.py and envelope.py (from bytes to
an event, or to the object in S3 that holds it), kinds.py and ses.py (from an event to a Feedback), mime.py, answered.py
and received.py (from received mail to the Feedback that a machine answered one of ours), sources.py, contents.py,
split.py and files.py (from a file to its items). Nothing here decides what a bounce means, and nothing here asks a
clock: an event has its own time.
"""
