"""What can be seen from outside: metrics, logs without addresses, health. It watches, and decides nothing.

catalogue.py says what there is to count, words.py under which labels; metrics.py counts; exposition.py shows.
health.py judges progress.py.
"""
