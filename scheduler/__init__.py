"""WHEN something is sent: beat, occurrences, runs, pacing, fair shares, batches.

Decides; never sends.
"""
