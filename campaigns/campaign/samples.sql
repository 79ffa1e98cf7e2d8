-- A test send is a campaign of its own with one run of one recipient, so that it takes the same way
-- as every other message.

-- name: default_region
SELECT default_region FROM teams WHERE id = %(team_id)s;

-- name: insert_run
-- Resolved from the start: its only recipient is known. The tick sets the gate.
WITH run AS (
    INSERT INTO runs (campaign_id, occurrence, provider, status, starts_at, window_at, expires_at,
                      suppression_groups, total, created_at)
    VALUES (%(campaign_id)s, %(starts_at)s, %(provider)s, 'sending', %(starts_at)s, %(starts_at)s,
            %(expires_at)s, %(suppression_groups)s, 1, %(now)s)
    RETURNING id
)
INSERT INTO lanes (run_id, lane, lo, hi, next_seq) SELECT id, 0, 0, 1, 0 FROM run
RETURNING run_id AS id;

-- name: insert_delivery
INSERT INTO deliveries (run_id, seq, address, fields)
VALUES (%(run_id)s, 0, %(address)s, %(fields)s);
