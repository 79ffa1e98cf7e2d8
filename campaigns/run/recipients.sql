-- What became of every recipient.

-- name: recipients_page
-- Keyset pages along the primary key: each costs the same, however large the run, and none holds a
-- snapshot that would keep dead rows alive while somebody reads a million of them.
SELECT seq, address, status, report, attempts, provider, provider_message_ids, error_class, error_code,
       claimed_at, settled_at, reported_at, opened_at, clicked_at, late
FROM deliveries
WHERE run_id = %(run_id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(amount)s;

-- name: unknown_page
-- Planner: the primary key again, filtered; the status is in no index on purpose (see deliveries).
SELECT seq, address, status, report, attempts, provider, provider_message_ids, error_class, error_code,
       claimed_at, settled_at, reported_at, opened_at, clicked_at, late
FROM deliveries
WHERE run_id = %(run_id)s AND seq > %(after)s AND status = 'unknown'
ORDER BY seq
LIMIT %(amount)s;
