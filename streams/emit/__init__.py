"""How things leave: outcomes, decisions and dead letters as records, the publisher, and the topics' administrator.

What is decided comes in as plain data and goes out as bytes. No rule lives here, nor what the engine does.
"""
