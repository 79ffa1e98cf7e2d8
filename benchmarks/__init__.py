"""Measurements of speed and memory, with real servers and real processes.

python -m benchmarks [import | audience | run | send | limited ...] [--quick] [--save]
python -m benchmarks pacing [scenario ...] [--quick] [--save]

Nothing here is a test: speed depends on the machine. What Sluice promises on any machine (memory
that does not grow, a multiple of one task per message) is printed beside its figure.
"""
