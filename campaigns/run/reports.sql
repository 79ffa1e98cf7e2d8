-- Reports of providers: noted here, applied by `refold` in events.sql.

-- name: note_reports
-- Appends reports to the histories of their rows, found by (run, seq) or by a message id that somebody
-- noted, and keeps those whose message id nobody knows yet. Whoever was never handed to a provider
-- cannot be reported on: such a report is somebody's mistake, and must not pass for a message.
-- Answers with the rows that have to be folded again, and with how much of it was new.
WITH given AS (
    SELECT * FROM unnest(
        %(run_ids)s::bigint[], %(seqs)s::integer[], %(providers)s::text[], %(message_ids)s::text[],
        %(kinds)s::text[], %(keys)s::text[], %(ats)s::timestamptz[], %(codes)s::text[]
    ) AS g (run_id, seq, provider, message_id, kind, key, at, code)
), located AS (
    SELECT coalesce(g.run_id, m.run_id) AS run_id, coalesce(g.seq, m.seq) AS seq,
           g.provider, g.message_id, g.kind, g.key, g.at, g.code
    FROM given g
    LEFT JOIN message_ids m
           ON g.run_id IS NULL AND m.provider = g.provider AND m.message_id = g.message_id
), held AS (
    SELECT d.run_id, d.seq, d.provider
    FROM (SELECT DISTINCT run_id, seq FROM located) l
    JOIN deliveries d ON d.run_id = l.run_id AND d.seq = l.seq
    WHERE d.provider IS NOT NULL OR d.status NOT IN ('pending', 'suppressed', 'expired', 'cancelled')
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, message_ids, code)
    SELECT l.run_id, l.seq, l.kind, l.key, l.at, coalesce(l.provider, h.provider),
           CASE WHEN l.message_id IS NOT NULL THEN ARRAY[l.message_id] END, l.code
    FROM located l JOIN held h ON h.run_id = l.run_id AND h.seq = l.seq
    ON CONFLICT DO NOTHING
    RETURNING run_id, seq
), strays AS (
    INSERT INTO stray_reports (provider, message_id, kind, key, at, code, received_at)
    SELECT provider, message_id, kind, key, at, code, clock_timestamp()
    FROM located WHERE run_id IS NULL
    ORDER BY provider, message_id, kind, key
    ON CONFLICT DO NOTHING
    RETURNING 1
)
SELECT run_id, seq, count(*)::int AS n FROM noted GROUP BY run_id, seq
UNION ALL
SELECT NULL, NULL, count(*)::int FROM strays;

-- name: take_in_strays
-- Reports that came while the answer with their message id was being written: neither saw the other.
-- Of the `amount` strays behind the key, which is null at the beginning, those whose id is known by
-- now. What somebody else holds, a row or its run, has time until the next round: the tick, which
-- does this, waits for nobody here. Answers with the rows that have to be folded again.
WITH looked_at AS (
    SELECT provider, message_id, kind, key FROM stray_reports
    WHERE %(after_provider)s::text IS NULL
       OR (provider, message_id, kind, key)
          > (%(after_provider)s::text, %(after_message_id)s, %(after_kind)s, %(after_key)s)
    ORDER BY provider, message_id, kind, key
    LIMIT %(amount)s
), known AS (
    SELECT l.*, m.run_id, m.seq
    FROM looked_at l
    JOIN message_ids m ON m.provider = l.provider AND m.message_id = l.message_id
), held AS (
    SELECT d.run_id, d.seq
    FROM (SELECT DISTINCT run_id, seq FROM known) k
    JOIN deliveries d ON d.run_id = k.run_id AND d.seq = k.seq
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d SKIP LOCKED
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM held) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM stray_reports s
    USING known k JOIN held h ON h.run_id = k.run_id AND h.seq = k.seq JOIN locked r ON r.id = k.run_id
    WHERE s.provider = k.provider AND s.message_id = k.message_id AND s.kind = k.kind AND s.key = k.key
    RETURNING k.run_id, k.seq, s.kind, s.key, s.at, s.provider, s.message_id, s.code
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, message_ids, code)
    SELECT run_id, seq, kind, key, at, provider, ARRAY[message_id], code FROM taken
    ON CONFLICT DO NOTHING
)
SELECT DISTINCT run_id, seq FROM taken;

-- name: forget_strays
-- Of the same strays those that nobody claimed for seven days. Answers with the last key looked at; no
-- row means that the end is reached.
WITH looked_at AS (
    SELECT provider, message_id, kind, key, received_at FROM stray_reports
    WHERE %(after_provider)s::text IS NULL
       OR (provider, message_id, kind, key)
          > (%(after_provider)s::text, %(after_message_id)s, %(after_kind)s, %(after_key)s)
    ORDER BY provider, message_id, kind, key
    LIMIT %(amount)s
), forgotten AS (
    DELETE FROM stray_reports s USING looked_at l
    WHERE s.provider = l.provider AND s.message_id = l.message_id AND s.kind = l.kind AND s.key = l.key
      AND l.received_at < %(now)s::timestamptz - interval '7 days'
)
SELECT provider AS after_provider, message_id AS after_message_id, kind AS after_kind, key AS after_key
FROM looked_at
ORDER BY provider DESC, message_id DESC, kind DESC, key DESC
LIMIT 1;

-- name: forget_message_ids
-- Where message ids led more than 30 days ago, the oldest first: no provider reports for that long.
-- Planner: message_ids_old.
DELETE FROM message_ids
WHERE (provider, message_id) IN (
    SELECT provider, message_id FROM message_ids
    WHERE noted_at < %(now)s::timestamptz - interval '30 days'
    ORDER BY noted_at
    LIMIT %(amount)s
    FOR UPDATE SKIP LOCKED);
