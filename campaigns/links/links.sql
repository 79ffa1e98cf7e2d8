-- Links that somebody may write into a text.

-- name: insert_link
-- No row comes back when path or uuid is taken; the caller compares what is there.
INSERT INTO links (id, team_id, domain_id, path, kind, target, title, group_id, created_at)
VALUES (%(id)s, %(team_id)s, %(domain_id)s, %(path)s, %(kind)s, %(target)s, %(title)s, %(group_id)s,
        %(now)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: find_link_anywhere
-- The link at a path, or of a uuid, whichever team it belongs to.
SELECT l.id, l.number, l.team_id, l.domain_id, d.name AS domain, l.path, l.kind, l.target, l.title,
       l.group_id, l.created_at
FROM links l
JOIN domains d ON d.id = l.domain_id
WHERE (l.domain_id = %(domain_id)s AND l.path = %(path)s) OR l.id = %(id)s
ORDER BY (l.domain_id = %(domain_id)s AND l.path = %(path)s) DESC
LIMIT 1;

-- name: find_link
-- A team's link by uuid or number. KEY SHARE keeps it and its domain from being deleted until what is
-- being saved names it; the domain first, as by whoever deletes both.
SELECT l.id, l.number, l.team_id, l.domain_id, d.name AS domain, l.path, l.kind, l.target, l.title,
       l.group_id, l.created_at
FROM links l
JOIN domains d ON d.id = l.domain_id
WHERE l.team_id = %(team_id)s AND (l.id = %(id)s OR l.number = %(number)s)
FOR KEY SHARE OF d, l;

-- name: links_at
-- The team's links at some URLs, each its domain and its path.
SELECT l.id, l.number, l.team_id, l.domain_id, d.name AS domain, l.path, l.kind, l.target, l.title,
       l.group_id, l.created_at
FROM unnest(%(hosts)s::text[], %(paths)s::text[]) AS k (host, path)
JOIN domains d ON d.name = k.host AND d.team_id = %(team_id)s
JOIN links l ON l.domain_id = d.id AND l.path = k.path;

-- name: list_links
SELECT l.id, l.number, l.team_id, l.domain_id, d.name AS domain, l.path, l.kind, l.target, l.title,
       l.group_id, l.created_at
FROM links l
JOIN domains d ON d.id = l.domain_id
WHERE l.team_id = %(team_id)s
ORDER BY d.name, l.path;

-- name: delete_link
-- Messages that are out lead where they led: campaign_links has a copy.
DELETE FROM links WHERE id = %(id)s;
