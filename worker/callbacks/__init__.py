"""Telling receivers: one POST at a time to each, to addresses that were judged."""
