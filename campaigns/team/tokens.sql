-- name: insert_token
-- One new token, by its digest.
INSERT INTO api_tokens (id, team_id, name, digest, scopes, expires_at, client_id)
VALUES (%(id)s, %(team_id)s, %(name)s, %(digest)s, %(scopes)s, %(expires_at)s, %(client_id)s)
RETURNING id, team_id, name, scopes, created_at, expires_at, revoked_at, client_id;

-- name: list_tokens
-- The tokens of a team that a person made: those that clients obtain come and go by themselves. A
-- sequential scan of a table that stays small.
SELECT id, team_id, name, scopes, created_at, expires_at, revoked_at, client_id
FROM api_tokens
WHERE team_id = %(team_id)s AND client_id IS NULL
ORDER BY created_at, id;

-- name: revoke_token
-- The first revocation keeps its time.
UPDATE api_tokens
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(id)s AND team_id = %(team_id)s
RETURNING id, team_id, name, scopes, created_at, expires_at, revoked_at, client_id;

-- name: end_token
-- A living token ends at a moment, or earlier where it would have anyway; with the end it had before.
UPDATE api_tokens AS t
SET expires_at = least(t.expires_at, %(expires_at)s)
FROM (SELECT id, expires_at AS ended_at FROM api_tokens WHERE id = %(id)s FOR UPDATE) AS before
WHERE t.id = before.id AND t.team_id = %(team_id)s AND t.revoked_at IS NULL
  AND (t.expires_at IS NULL OR t.expires_at > now())
RETURNING t.id, t.team_id, t.name, t.scopes, t.created_at, t.expires_at, t.revoked_at, t.client_id,
          before.ended_at;

-- name: find_token
-- The live token behind a digest, by its unique index.
SELECT t.id, t.team_id, t.name, t.scopes, t.created_at, t.expires_at, t.revoked_at, t.client_id
FROM api_tokens AS t LEFT JOIN api_clients AS c ON c.id = t.client_id
WHERE t.digest = %(digest)s AND t.revoked_at IS NULL AND c.revoked_at IS NULL
  AND (t.expires_at IS NULL OR t.expires_at > %(now)s);
