"""HOW a message leaves: the Celery app and its tasks, throttle, adapters, transports, ledger.

Sends; never decides when.
"""
