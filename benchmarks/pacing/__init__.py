"""How exactly Sluice keeps its pace: real processes, judged by the sandbox carrier's log.

python -m benchmarks pacing [scenario ...] [--quick] [--save]

Each scenario is one promise. Speed is measured elsewhere in ``benchmarks``; what is measured here
is the distance between what was promised and what arrived.
"""
