"""Seeded trials with real processes and faults, judged by the carrier's log and the ledger."""
