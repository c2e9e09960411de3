"""Benchmarks: how fast it is, on this machine, told with what was measured and how. Nothing here is a test."""
