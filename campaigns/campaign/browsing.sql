-- Pages of a team's campaigns by number, in different orders. What lies before a page is counted off
-- in an index, from the nearer end: 100,000 entries some 15 ms. Of the conditions only those are said
-- that were asked for (browsing.py), all of them over columns of these indexes.

-- name: shown
-- Planner: index-only on campaigns_by_start, or campaigns_by_sender in the order of senders.
FROM campaigns c
WHERE c.team_id = %(team_id)s AND c.status <> 'deleted' AND NOT c.is_test;

-- name: statuses
AND c.status = ANY (%(statuses)s::text[]);

-- name: starts_from
AND c.scheduled_send_date >= %(starts_from)s::timestamptz;

-- name: starts_until
AND c.scheduled_send_date < %(starts_until)s::timestamptz;

-- name: senders
AND c.sender LIKE ALL (%(senders)s::text[]);

-- name: other_senders
AND c.sender <> ALL (%(other_senders)s::text[]);

-- name: by_start
ORDER BY c.scheduled_send_date, c.id OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_start_down
ORDER BY c.scheduled_send_date DESC, c.id DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_sender
ORDER BY c.sender, c.id OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_sender_down
ORDER BY c.sender DESC, c.id DESC OFFSET %(offset)s LIMIT %(limit)s;

-- name: recipients
-- Of each campaign the recipients of its latest run, and as long as it has none the contacts that came
-- with it. Planner: the unique key of runs on (campaign_id, occurrence), backwards, once per campaign.
SELECT c.id, coalesce(nullif(r.total, 0), c.contacts_given, 0) AS recipients
FROM campaigns c
LEFT JOIN LATERAL (
    SELECT total FROM runs
    WHERE campaign_id = c.id AND status <> 'resolving'
    ORDER BY occurrence DESC LIMIT 1
) r ON true
WHERE c.id = ANY (%(ids)s);

-- name: link_numbers
-- Primary key of links.
SELECT id, number FROM links WHERE id = ANY (%(ids)s);
