"""The words: what mail is made of, and nothing of how it is carried. Pure; knows no clock, broker or file."""
