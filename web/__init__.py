"""The HTTP door: dialects that translate to and from the functions of :mod:`campaigns`.

Each dialect is a package with ``create(context)``, an application of its own with its own OpenAPI
description; :mod:`web.app` puts them together.
"""
