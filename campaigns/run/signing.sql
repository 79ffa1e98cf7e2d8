-- The keys that sign the references of messages.

-- name: all_keys
-- All of them, because every key verifies. They are a handful.
SELECT key FROM signing_keys ORDER BY id DESC;

-- name: list_keys
-- Without the keys: nobody needs to see one.
SELECT id, created_at FROM signing_keys ORDER BY id DESC;

-- name: rotate
-- Made where it is kept, so that it is in no log and on no wire. gen_random_uuid draws on the
-- system's strong source of randomness.
INSERT INTO signing_keys (key)
VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
RETURNING id, created_at;
