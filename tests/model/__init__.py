"""A model of the batch protocol, small enough that every one of its states can be looked at.

:mod:`~tests.model.state` says what there is, :mod:`~tests.model.sending`,
:mod:`~tests.model.ticking`, :mod:`~tests.model.operating` and :mod:`~tests.model.faults` what can
happen, :mod:`~tests.model.rules` what must hold, and :mod:`~tests.model.search` goes everywhere.
``tests/integration/test_model_agreement.py`` replays walks of the model on PostgreSQL.
"""
