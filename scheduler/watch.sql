-- What the watchdog looks for: work that nobody does although it could be done. Each statement is
-- cheap while all is well, because it begins with the few open runs or with the batches.

-- name: forsaken_runs
-- Open runs with rows to settle, of which nothing is cut, waiting or uncut, and on which nothing was
-- settled for a while: no tick and no worker will ever come back to them. Also runs whose counters
-- do not add up to their rows, whichever way.
SELECT r.id, r.status
FROM runs r
WHERE r.status IN ('sending', 'closing') AND r.total > 0
  AND coalesce(r.progressed_at, r.started_at, r.created_at) < %(now)s::timestamptz - make_interval(secs => %(quiet)s)
  AND r.starts_at < %(now)s::timestamptz - make_interval(secs => %(quiet)s)
  AND NOT EXISTS (SELECT FROM slices s WHERE s.run_id = r.id)
  AND NOT EXISTS (SELECT FROM lanes l WHERE l.run_id = r.id AND l.next_seq < l.hi AND r.status = 'sending')
  AND NOT EXISTS (SELECT FROM run_tallies t WHERE t.run_id = r.id)
ORDER BY r.id
LIMIT 10
FOR NO KEY UPDATE OF r SKIP LOCKED;

-- name: recut_forsaken
-- Rows that are to be sent and that no slice names any more. What is in doubt is bound to its account,
-- as by hand_back.
WITH pending AS (
    SELECT l.lane, d.seq, d.attempts, b.bound_to,
           (row_number() OVER (PARTITION BY l.lane, d.attempts, b.bound_to ORDER BY d.seq) - 1) / %(size)s AS part
    FROM deliveries d
    JOIN lanes l ON l.run_id = d.run_id AND d.seq >= l.lo AND d.seq < l.hi
    CROSS JOIN LATERAL (SELECT CASE WHEN d.error_class = 'in_doubt' THEN d.provider END AS bound_to) b
    WHERE d.run_id = %(run_id)s AND d.status = 'pending'
), cut AS (
    INSERT INTO slices (run_id, lane, batch_id, kind, attempts, bound_to, lo, hi, seqs, messages, not_before)
    SELECT %(run_id)s, lane, NULL, CASE WHEN attempts > 0 THEN 'retry' ELSE 'returned' END, attempts,
           bound_to, min(seq), max(seq) + 1, array_agg(seq ORDER BY seq), count(*), %(now)s
    FROM pending GROUP BY lane, attempts, bound_to, part
)
SELECT count(*)::int AS recut FROM pending;

-- name: recount_forsaken
-- The run's counters as its rows have them, without what the next tick will add up.
WITH tallied AS (
    SELECT coalesce(sum(accepted), 0)::int AS accepted, coalesce(sum(rejected), 0)::int AS rejected,
           coalesce(sum(failed), 0)::int AS failed, coalesce(sum(unknown), 0)::int AS unknown
    FROM run_tallies WHERE run_id = %(run_id)s
), rows AS (
    SELECT (count(*) FILTER (WHERE status = 'accepted'))::int - (SELECT accepted FROM tallied) AS accepted,
           (count(*) FILTER (WHERE status = 'rejected'))::int - (SELECT rejected FROM tallied) AS rejected,
           (count(*) FILTER (WHERE status = 'failed'))::int - (SELECT failed FROM tallied) AS failed,
           (count(*) FILTER (WHERE status = 'unknown'))::int - (SELECT unknown FROM tallied) AS unknown,
           (count(*) FILTER (WHERE status = 'suppressed'))::int AS suppressed,
           (count(*) FILTER (WHERE status = 'expired'))::int AS expired,
           (count(*) FILTER (WHERE status = 'cancelled'))::int AS cancelled
    FROM deliveries WHERE run_id = %(run_id)s
)
UPDATE runs r
SET accepted = c.accepted, rejected = c.rejected, failed = c.failed, unknown = c.unknown,
    suppressed = c.suppressed, expired = c.expired, cancelled = c.cancelled
FROM rows c
WHERE r.id = %(run_id)s
  AND (r.accepted, r.rejected, r.failed, r.unknown, r.suppressed, r.expired, r.cancelled)
      IS DISTINCT FROM
      (c.accepted, c.rejected, c.failed, c.unknown, c.suppressed, c.expired, c.cancelled)
RETURNING r.id;

-- name: waiting_work
-- What was published several times and taken by nobody, since when events wait to be gathered, and who
-- was seen alive lately. Planner: of the outbox, the beginning of its primary key.
SELECT (SELECT count(*)::int FROM batches WHERE status = 'ready' AND publications >= %(publications)s) AS batches,
       (SELECT count(*)::int FROM runs
        WHERE status IN ('resolving', 'closing') AND created_at < %(now)s::timestamptz - make_interval(secs => %(quiet)s)
          AND published_at IS NOT NULL AND (status = 'closing' OR total = 0)) AS runs,
       (SELECT count(*)::int FROM receivers
        WHERE next_at <= %(now)s AND disabled_reason IS NULL AND publications >= %(publications)s) AS receivers,
       (SELECT noted_at FROM event_outbox ORDER BY id LIMIT 1) AS noted_at,
       (SELECT max(seen_at) FROM heartbeats WHERE kind = 'send') AS send_seen,
       (SELECT max(seen_at) FROM heartbeats WHERE kind = 'control') AS control_seen,
       (SELECT max(seen_at) FROM heartbeats WHERE kind = 'callbacks') AS callbacks_seen;

-- name: find
INSERT INTO findings AS f (kind, subject, detail, repaired, first_seen_at, last_seen_at)
VALUES (%(kind)s, %(subject)s, %(detail)s, %(repaired)s, %(now)s, %(now)s)
ON CONFLICT (kind, subject) DO UPDATE
SET detail = excluded.detail, repaired = excluded.repaired, times = f.times + 1,
    last_seen_at = excluded.last_seen_at;

-- name: forget_findings
DELETE FROM findings WHERE last_seen_at < %(now)s::timestamptz - interval '7 days';
