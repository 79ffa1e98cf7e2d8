"""Links in messages: ``https://DOMAIN/CODE`` leads to its target, or to the page for opting out.

========================  ==========================================================================
GET of a redirect         302 to the stored target; counted
GET of an opt-out link    the page; nothing changes
POST of an opt-out link   opts out at once, by the page's button or by one click (RFC 8058)
GET of ``CODE.gif``       an image of one pixel; counted as an opening
GET of a team's path      302 to its target; not counted, for nobody knows whose it is
anything else             404, all alike, and after some of them 429
========================  ==========================================================================
"""

from web.links.app import create

__all__ = ["create"]
