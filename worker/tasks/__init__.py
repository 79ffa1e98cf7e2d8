"""The tasks: thin, plain functions that hand ids or a request to the functions that do the work.

None is a coroutine function: Celery would report it as succeeded without running it.
"""
