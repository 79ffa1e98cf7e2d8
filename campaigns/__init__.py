"""WHAT is sent, to whom and when: models, rules, the state machine and their SQL.

No Celery and no HTTP in here: the scheduler, the worker and the doors build on this package.
"""
