"""HORISEN Business Messenger Campaign API v1.0.0: ``/news/v1`` and ``/oauth2``."""
