"""One faithful fake for each vendor, named like its adapter: what it accepts, answers and reports.

A module holds ``PROFILE``, what the contract suite needs to know of the vendor, and ``Fake``, the
vendor itself as a small pure object that :mod:`tests.support.fake_vendor` serves on loopback.
"""
