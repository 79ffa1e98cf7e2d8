-- name: insert_token
-- One new token, by its digest.
INSERT INTO api_tokens (id, team_id, name, digest)
VALUES (%(id)s, %(team_id)s, %(name)s, %(digest)s)
RETURNING id, team_id, name, created_at, revoked_at;

-- name: list_tokens
-- The tokens of a team; a sequential scan of a table that stays small.
SELECT id, team_id, name, created_at, revoked_at
FROM api_tokens
WHERE team_id = %(team_id)s
ORDER BY created_at, id;

-- name: revoke_token
-- The first revocation keeps its time.
UPDATE api_tokens
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(id)s AND team_id = %(team_id)s
RETURNING id, team_id, name, created_at, revoked_at;

-- name: find_token
-- The live token behind a digest, by its unique index.
SELECT id, team_id, name, created_at, revoked_at
FROM api_tokens
WHERE digest = %(digest)s AND revoked_at IS NULL;
