"""The region whose national phone numbers need no prefix."""

from __future__ import annotations

import phonenumbers

from campaigns.errors import Invalid


def checked_region(region: str | None) -> str | None:
    """The region in upper case.

    Raises:
        Invalid: libphonenumber knows no numbering plan for it.
    """
    if region is None:
        return None
    code = region.strip().upper()
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Invalid("default_region", region, "is not an ISO 3166 code such as GB")
    return code
