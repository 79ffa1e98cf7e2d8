"""Campaigns that are drawn up in steps, each with a number: DRAFT, SCHEDULED, READY, and on.

What the Callback API calls a campaign. It is one of the engine's (:mod:`campaigns.campaign`) from
the moment on that it has a message.
"""
