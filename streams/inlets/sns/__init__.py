"""Is it SNS that speaks? What stands between a post that anybody can send and a message that counts.

verify.py asks all the questions, in the order of their price. Nothing here listens, and nothing switches a question
off.
"""
