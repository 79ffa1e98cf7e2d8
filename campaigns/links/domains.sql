-- The domains of teams. A handful each.

-- name: insert_domain
-- No row comes back when the name or the uuid is taken; the caller compares what is there.
INSERT INTO domains (id, team_id, name, purposes, created_at)
VALUES (%(id)s, %(team_id)s, %(name)s, %(purposes)s, %(now)s)
ON CONFLICT DO NOTHING
RETURNING id, number, team_id, name, purposes, created_at;

-- name: find_domain_anywhere
-- The domain of a name or of a uuid, whichever team it belongs to. Two unique indexes, bitmap OR.
SELECT id, number, team_id, name, purposes, created_at
FROM domains
WHERE name = %(name)s OR id = %(id)s
ORDER BY name = %(name)s DESC
LIMIT 1;

-- name: find_domain
-- A team's domain by its name, its uuid or its number. KEY SHARE keeps it from being deleted until
-- what is being saved names it.
SELECT id, number, team_id, name, purposes, created_at
FROM domains
WHERE team_id = %(team_id)s AND (name = %(name)s OR id = %(id)s OR number = %(number)s)
FOR KEY SHARE;

-- name: list_domains
SELECT id, number, team_id, name, purposes, created_at
FROM domains
WHERE team_id = %(team_id)s
ORDER BY name;

-- name: lock_domain
SELECT id FROM domains WHERE id = %(id)s FOR UPDATE;

-- name: campaign_using_domain
-- A campaign that is still to send with links on the domain, or with its bounces coming back to it.
-- Planner: campaigns_domain; for links the team's campaigns, of which few are open.
SELECT c.id, c.name, c.status
FROM campaigns c
WHERE c.team_id = %(team_id)s AND c.status IN ('draft', 'scheduled', 'sending')
  AND (c.domain_id = %(id)s
       OR EXISTS (SELECT FROM campaign_links l WHERE l.campaign_id = c.id AND l.host = %(name)s))
ORDER BY c.name, c.id
LIMIT 1;

-- name: delete_links_on
-- What went out on it leads nowhere from now on.
DELETE FROM links WHERE domain_id = %(id)s;

-- name: delete_domain
DELETE FROM domains WHERE id = %(id)s;
