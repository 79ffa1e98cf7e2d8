"""Whether a request for a link says of itself that no person made it.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Crawlers, previews of messengers, scanners of mail servers, and libraries, by what stands in
#: their ``User-Agent``. Lists that are kept elsewhere name thousands by a few words: nearly all of
#: them have one of these. A Cubot is a phone.
_PROGRAMS = re.compile(
    r"(?<!cu)bot\b|bot[/_-]|crawl|spider|slurp|preview|prerender|scan|monitor|fetch|validator|headless"
    r"|facebookexternalhit|facebookcatalog|whatsapp|telegram|skypeuri|slack|discord|embedly"
    r"|googleimageproxy|google-safety|bingpreview|safelinks|urldefense|proofpoint|mimecast"
    r"|barracuda|ironport|symantec|trendmicro|forcepoint|fireeye|sophos|zscaler|messagelabs"
    r"|curl|wget|python|httpx|aiohttp|java/|okhttp|go-http|libwww|perl|ruby|axios|node|php"
    r"|apache-httpclient|httpclient|winhttp",
    re.IGNORECASE,
)


def is_machine(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the request is a program's own; names of ``headers`` are lower case."""
    if method == "HEAD":
        return True
    # Sec-Purpose: https://fetch.spec.whatwg.org/#sec-purpose-header; the others are older.
    for name in ("sec-purpose", "purpose", "x-purpose", "x-moz"):
        if re.search(r"prefetch|prerender|preview", headers.get(name, ""), re.IGNORECASE):
            return True
    agent = headers.get("user-agent", "")
    return not agent or _PROGRAMS.search(agent) is not None


def is_image_proxy(headers: Mapping[str, str]) -> bool:
    """Whether it is a mail service that fetches images when somebody opens the e-mail."""
    agent = headers.get("user-agent", "").lower()
    return "googleimageproxy" in agent or "yahoomailproxy" in agent
