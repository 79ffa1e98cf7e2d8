-- Pages of a team's campaigns by number, in different orders. What lies before a page is counted off
-- in an index, from the nearer end: 100,000 entries some 15 ms. All conditions are about columns of
-- these indexes; one that was not asked for has no value.

-- part: shown
FROM campaigns c
WHERE c.team_id = %(team_id)s AND c.status <> 'deleted' AND NOT c.is_test
  AND (%(statuses)s::text[] IS NULL OR c.status = ANY (%(statuses)s))
  AND (%(starts_from)s::timestamptz IS NULL OR c.scheduled_send_date >= %(starts_from)s)
  AND (%(starts_until)s::timestamptz IS NULL OR c.scheduled_send_date < %(starts_until)s)
  AND (%(senders)s::text[] IS NULL OR c.sender LIKE ALL (%(senders)s))
  AND (%(other_senders)s::text[] IS NULL OR c.sender <> ALL (%(other_senders)s))

-- name: count_shown
-- Index-only on campaigns_by_start.
SELECT count(*) AS campaigns
{shown};

-- name: count_all
-- What triggers keep, where nothing is chosen: a few hundred rows at most, by the primary key.
SELECT coalesce(sum(campaigns), 0)::bigint AS campaigns FROM campaign_tallies
WHERE team_id = %(team_id)s;

-- name: by_start
-- Index-only on campaigns_by_start, and so is the other direction.
SELECT c.id
{shown}
ORDER BY c.scheduled_send_date, c.id
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_start_down
SELECT c.id
{shown}
ORDER BY c.scheduled_send_date DESC, c.id DESC
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_sender
-- Index-only on campaigns_by_sender, and so is the other direction.
SELECT c.id
{shown}
ORDER BY c.sender, c.id
OFFSET %(offset)s LIMIT %(limit)s;

-- name: by_sender_down
SELECT c.id
{shown}
ORDER BY c.sender DESC, c.id DESC
OFFSET %(offset)s LIMIT %(limit)s;

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
