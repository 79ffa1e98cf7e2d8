-- name: insert_client
-- One new client, by the digest of its secret.
INSERT INTO api_clients (id, team_id, name, digest, scopes, networks)
VALUES (%(id)s, %(team_id)s, %(name)s, %(digest)s, %(scopes)s, %(networks)s::cidr[])
RETURNING id, team_id, name, scopes, networks, created_at, revoked_at;

-- name: list_clients
-- The clients of a team; a sequential scan of a table that stays small.
SELECT id, team_id, name, scopes, networks, created_at, revoked_at
FROM api_clients
WHERE team_id = %(team_id)s
ORDER BY created_at, id;

-- name: replace_secret
UPDATE api_clients
SET digest = %(digest)s
WHERE id = %(id)s AND team_id = %(team_id)s AND revoked_at IS NULL
RETURNING id, team_id, name, scopes, networks, created_at, revoked_at;

-- name: revoke_client
-- The first revocation keeps its time.
UPDATE api_clients
SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(id)s AND team_id = %(team_id)s
RETURNING id, team_id, name, scopes, networks, created_at, revoked_at;

-- name: find_client
-- A client that is in use, of whichever team: nobody knows the team before the client has shown its
-- secret. Nothing is locked for those who cannot show it. Planner: the primary key.
SELECT id, team_id, name, scopes, networks, created_at, revoked_at, digest
FROM api_clients
WHERE id = %(id)s AND revoked_at IS NULL;

-- name: lock_client
-- It may have got another secret since it was looked up.
SELECT id FROM api_clients
WHERE id = %(id)s AND digest = %(digest)s AND revoked_at IS NULL
FOR UPDATE;

-- name: prune_tokens
-- All but the newest of those that are good: what is over or revoked, and what there is too much of.
-- Planner: api_tokens_client.
DELETE FROM api_tokens
WHERE client_id = %(id)s AND id NOT IN (
    SELECT id FROM api_tokens
    WHERE client_id = %(id)s AND expires_at > %(now)s AND revoked_at IS NULL
    ORDER BY created_at DESC, id
    LIMIT %(kept)s);
