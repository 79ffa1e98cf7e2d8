-- The links of a campaign's messages.

-- name: domains_of
-- Those of some hosts that are the team's and for links. KEY SHARE keeps them from being given up until
-- the campaign that is being saved names them.
SELECT name FROM domains
WHERE team_id = %(team_id)s AND name = ANY (%(hosts)s) AND 'links' = ANY (purposes)
ORDER BY name
FOR KEY SHARE;

-- name: only_domain
-- The domain that a campaign without a choice has: the team's only one for links.
SELECT id, number, team_id, name, purposes, created_at
FROM domains
WHERE team_id = %(team_id)s AND 'links' = ANY (purposes)
ORDER BY name
LIMIT 2
FOR KEY SHARE;

-- name: all_links
-- Every link that a campaign ever had. Primary key.
SELECT number, source, kind, host, target, title, group_id, in_use
FROM campaign_links
WHERE campaign_id = %(campaign_id)s
ORDER BY number;

-- name: insert_link
INSERT INTO campaign_links (campaign_id, number, source, kind, host, target, title, group_id, in_use)
VALUES (%(campaign_id)s, %(number)s, %(source)s, %(kind)s, %(host)s, %(target)s, %(title)s,
        %(group_id)s, true);

-- name: use_links
UPDATE campaign_links SET in_use = number = ANY (%(numbers)s::smallint[])
WHERE campaign_id = %(campaign_id)s AND in_use <> (number = ANY (%(numbers)s::smallint[]));
