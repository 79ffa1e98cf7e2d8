"""`python -m web`: the HTTP door on SLUICE_WEB_BIND, until SIGTERM."""

from __future__ import annotations

import logging
import sys

from campaigns import settings
from campaigns.errors import ConfigurationError
from web import server

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("web").setLevel(logging.INFO)
    try:
        server.serve(settings.load())
    except ConfigurationError as error:
        sys.exit(str(error))
