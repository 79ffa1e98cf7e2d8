-- What one tick reads and writes. All of it runs in one transaction under one advisory lock, so two
-- beats never interleave; every write is set-based, so a thousand runs cost few round trips.

-- name: lock_tick
-- Transaction-scoped: it is gone with the transaction, whatever happens to its holder.
SELECT pg_try_advisory_xact_lock(hashtext('sluice.tick')) AS locked, clock_timestamp() AS now;

-- name: open_runs
-- Every lane of every run that is sending, with what the decision needs. What its calendars say is
-- asked for apart, once for each time that it changes.
SELECT r.id, r.campaign_id::text, r.provider, r.starts_at, r.window_at, r.finishes_at, r.expires_at,
       r.metered_credit, r.metered_until, r.ramp_day, r.ramp_base,
       l.lane, l.timezone, l.lo, l.hi, l.next_seq,
       l.gate_opens_at, l.gate_closes_at, l.pace_remaining, l.pace_until,
       c.team_id::text, c.sender, c.is_test, c.sending_type, c.throttled, c.pacing, c.priority, c.weight,
       c.segments, c.rate, c.warm_up, c.updated_at AS campaign_at,
       (c.manually_paused OR c.status <> 'sending') AS paused,
       t.rate AS team_rate, t.updated_at AS team_at,
       coalesce(w.returned, 0)::int AS returned, coalesce(w.later, 0)::int AS later,
       coalesce(w.retries, 0)::int AS retries
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
JOIN teams t ON t.id = c.team_id
JOIN lanes l ON l.run_id = r.id
LEFT JOIN LATERAL (
    SELECT sum(s.messages) FILTER (WHERE s.kind <> 'retry' AND s.not_before <= %(now)s) AS returned,
           sum(s.messages) FILTER (WHERE s.kind <> 'retry' AND s.not_before > %(now)s) AS later,
           sum(s.messages) FILTER (WHERE s.kind = 'retry' AND s.not_before <= %(now)s) AS retries
    FROM slices s
    WHERE s.run_id = r.id AND s.lane = l.lane AND s.batch_id IS NULL
) w ON true
WHERE r.status = 'sending'
ORDER BY r.id, l.lane;

-- name: calendars
-- What the active time of these runs is computed from (scheduler/active_times.py).
SELECT r.id, r.starts_at, r.window_at, r.finishes_at, r.expires_at,
       c.timezone, c.scheduled_send_date, c.scheduled_finish_date, c.expiry_date, c.leftover,
       c.sending_hours, c.quiet_hours, c.holidays, c.is_test,
       t.timezone AS team_timezone, t.sending_hours AS team_sending_hours,
       t.quiet_hours AS team_quiet_hours, t.holidays AS team_holidays,
       p.starts AS pause_starts, p.ends AS pause_ends
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
JOIN teams t ON t.id = c.team_id
LEFT JOIN LATERAL (
    SELECT array_agg(start_at ORDER BY start_at) AS starts, array_agg(end_at ORDER BY start_at) AS ends
    FROM pauses WHERE campaign_id = c.id
) p ON true
WHERE r.id = ANY (%(run_ids)s);

-- name: waiting_slices
SELECT id, run_id, lane, kind, attempts, bound_to, losses, lo, hi, seqs, messages, not_before
FROM slices
WHERE batch_id IS NULL AND run_id = ANY (%(run_ids)s) AND not_before <= %(now)s
ORDER BY id;

-- name: accounts
-- What is cut and not yet claimed, and how each account fares. What a worker handed back
-- until later, because its account cannot take it yet, is as outstanding as what it still holds:
-- otherwise each tick would cut the next rows in its place, only to see them handed back too.
WITH cut AS (
    SELECT provider, messages FROM batches
    UNION ALL
    SELECT r.provider, s.messages
    FROM slices s
    JOIN runs r ON r.id = s.run_id
    WHERE s.batch_id IS NULL AND s.kind = 'returned' AND s.not_before > %(now)s
      AND r.status = 'sending'
), outstanding AS (
    SELECT provider, sum(messages) AS messages FROM cut GROUP BY provider
)
SELECT coalesce(o.provider, s.provider) AS provider,
       coalesce(o.messages, 0)::int AS outstanding,
       s.cooling_until, coalesce(s.failures, 0) AS failures, coalesce(s.circuit, 'closed') AS circuit,
       coalesce(s.rate_factor, 1) AS rate_factor, s.factor_at
FROM outstanding o
FULL JOIN provider_states s ON s.provider = o.provider;

-- name: held
-- How much of what is cut and not yet claimed belongs to each run. A batch counts what is left of it
-- as a whole, so its runs hold it in proportion to their slices.
SELECT provider, run_id, ceil(sum(part))::int AS held
FROM (
    SELECT b.provider, s.run_id,
           b.messages * s.messages / sum(s.messages::float8) OVER (PARTITION BY b.id) AS part
    FROM batches b JOIN slices s ON s.batch_id = b.id
    WHERE b.messages > 0
) parts
GROUP BY provider, run_id;

-- name: limits_used
-- What is cut and not yet claimed below each limit of a sender or a team.
SELECT l.key, sum(b.messages)::int AS outstanding
FROM batches b, unnest(b.limit_keys) AS l (key)
GROUP BY l.key;

-- name: batch_ids
SELECT nextval(pg_get_serial_sequence('batches', 'id')) AS id FROM generate_series(1, %(count)s);

-- name: insert_batches
INSERT INTO batches (id, provider, messages, status, spread_from, spread_until, limit_keys,
                     limit_rates, interleaved, created_at)
OVERRIDING SYSTEM VALUE
SELECT x.id, x.provider, x.messages, 'ready', x.spread_from, x.spread_until, x.limit_keys,
       x.limit_rates, x.interleaved, %(now)s
FROM jsonb_to_recordset(%(batches)s::jsonb) AS x (
    id bigint, provider text, messages integer, spread_from timestamptz, spread_until timestamptz,
    limit_keys text[], limit_rates float8[], interleaved boolean);

-- name: delete_slices
DELETE FROM slices WHERE id = ANY (%(ids)s) AND batch_id IS NULL;

-- name: insert_slices
INSERT INTO slices (run_id, lane, batch_id, kind, attempts, bound_to, losses, lo, hi, seqs, messages,
                    not_before)
SELECT x.run_id, x.lane, x.batch_id, x.kind, x.attempts, x.bound_to, x.losses, x.lo, x.hi, x.seqs,
       x.messages, coalesce(x.not_before, %(now)s)
FROM jsonb_to_recordset(%(slices)s::jsonb) AS x (
    run_id bigint, lane smallint, batch_id bigint, kind text, attempts smallint, bound_to text,
    losses smallint, lo integer, hi integer, seqs integer[], messages integer, not_before timestamptz);

-- name: update_lanes
-- Locked in the order of their keys, as a live edit locks them too.
WITH changes AS (
    SELECT * FROM jsonb_to_recordset(%(changes)s::jsonb) AS x (
        run_id bigint, lane smallint, next_seq integer, pace_remaining float8,
        pace_until timestamptz, gate_opens_at timestamptz, gate_closes_at timestamptz)
), locked AS (
    SELECT run_id, lane FROM lanes
    WHERE (run_id, lane) IN (SELECT run_id, lane FROM changes)
    ORDER BY run_id, lane FOR NO KEY UPDATE
)
UPDATE lanes l
SET next_seq = x.next_seq, pace_remaining = x.pace_remaining, pace_until = x.pace_until,
    gate_opens_at = x.gate_opens_at, gate_closes_at = x.gate_closes_at
FROM changes x JOIN locked k ON k.run_id = x.run_id AND k.lane = x.lane
WHERE l.run_id = x.run_id AND l.lane = x.lane;

-- name: update_runs
-- Only of runs with a rate or a warm-up of their own. Locked in the order of their ids, as the
-- workers lock them too.
WITH changes AS (
    SELECT * FROM jsonb_to_recordset(%(changes)s::jsonb) AS x (
        run_id bigint, metered_credit float8, metered_until timestamptz, ramp_day integer,
        ramp_base integer)
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
)
UPDATE runs r
SET metered_credit = x.metered_credit, metered_until = x.metered_until,
    ramp_day = x.ramp_day, ramp_base = x.ramp_base
FROM changes x JOIN locked l ON l.id = x.run_id
WHERE r.id = x.run_id;

-- name: add_up_tallies
-- What workers counted goes to the runs. A row that a worker is writing right now has time until
-- the next tick. Deleted and not emptied, so that nothing is left behind by a run or a connection.
WITH taken AS (
    DELETE FROM run_tallies t
    USING (SELECT run_id, backend FROM run_tallies FOR UPDATE SKIP LOCKED) free
    WHERE t.run_id = free.run_id AND t.backend = free.backend
    RETURNING t.run_id, t.accepted, t.rejected, t.failed, t.unknown
), sums AS (
    SELECT run_id, sum(accepted)::int AS accepted, sum(rejected)::int AS rejected,
           sum(failed)::int AS failed, sum(unknown)::int AS unknown
    FROM taken GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM sums) ORDER BY id FOR NO KEY UPDATE
)
UPDATE runs r
SET accepted = r.accepted + s.accepted, rejected = r.rejected + s.rejected,
    failed = r.failed + s.failed, unknown = r.unknown + s.unknown,
    started_at = coalesce(r.started_at, %(now)s), progressed_at = %(now)s
FROM sums s JOIN locked l ON l.id = s.run_id
WHERE r.id = s.run_id;

-- name: maybe_finished
-- Runs whose counters say that every row is settled. The counters move in the same transaction as
-- the rows; the rows themselves are asked before anything is called finished. Both are held until then,
-- so that nobody sends a row again in between; what somebody else holds has time until the next
-- tick, and whoever hangs there keeps no other run from its end.
SELECT r.id, r.total
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
WHERE r.status IN ('sending', 'closing')
  AND r.accepted + r.rejected + r.failed + r.unknown + r.suppressed + r.expired + r.cancelled
      >= r.total
ORDER BY r.id
LIMIT 100
FOR NO KEY UPDATE OF r, c SKIP LOCKED;

-- name: unsettled_runs
-- Planner: one look into the primary key per run, which ends at the first row that is not settled.
SELECT r.id AS run_id
FROM unnest(%(run_ids)s::bigint[]) AS r (id)
WHERE EXISTS (SELECT FROM deliveries d WHERE d.run_id = r.id AND d.status IN ('pending', 'sending'));

-- name: finish_runs
-- A campaign ends with its last run, and rests where another occurrence is to come.
WITH finished AS (
    UPDATE runs
    SET status = 'finished', finished_at = %(now)s,
        reason = CASE WHEN reason IS NOT NULL THEN reason WHEN total = 0 THEN 'empty' ELSE 'completed' END
    WHERE id = ANY (%(run_ids)s) AND status IN ('sending', 'closing')
    RETURNING id, campaign_id
), closed AS (
    UPDATE lanes SET gate_opens_at = NULL, gate_closes_at = NULL
    WHERE run_id IN (SELECT id FROM finished)
)
UPDATE campaigns c
SET status = CASE WHEN c.next_dt IS NULL THEN 'finished' ELSE 'scheduled' END,
    finished_sending_at = CASE WHEN c.next_dt IS NULL THEN %(now)s ELSE c.finished_sending_at END,
    updated_at = %(now)s
FROM finished f
WHERE c.id = f.campaign_id AND c.status = 'sending'
  AND NOT EXISTS (SELECT FROM runs o WHERE o.campaign_id = c.id AND o.status <> 'finished'
                  AND o.id <> ALL (%(run_ids)s));

-- name: drop_slices
-- What was handed back while a run was being closed: its rows are settled.
DELETE FROM slices WHERE run_id = ANY (%(run_ids)s) AND batch_id IS NULL;

-- name: publish_batches
-- New batches, and those whose message seems lost: nobody leased them in time. Each repetition
-- waits longer, so that a long queue is not filled with copies.
UPDATE batches
SET published_at = %(now)s, publications = publications + 1
WHERE status = 'ready'
  AND (published_at IS NULL
       OR published_at < %(now)s::timestamptz - make_interval(secs => least(%(again_after)s * publications, 60)))
RETURNING id;

-- name: publish_runs
-- Runs that wait for the audience worker: to be resolved, or to have their rest settled.
UPDATE runs
SET published_at = %(now)s
WHERE status IN ('resolving', 'closing')
  AND (published_at IS NULL OR published_at < %(now)s::timestamptz - make_interval(secs => %(again_after)s))
RETURNING id, status;

-- name: take_back_batches
-- The broker did not take their messages: they are due at once, and no repetition is counted.
UPDATE batches
SET published_at = NULL, publications = greatest(publications - 1, 0)
WHERE id = ANY (%(ids)s) AND status = 'ready';

-- name: take_back_runs
-- The same for runs.
UPDATE runs SET published_at = NULL WHERE id = ANY (%(ids)s) AND status IN ('resolving', 'closing');

-- name: forget_heartbeats
-- Names carry a process id, so every restart leaves one behind.
DELETE FROM heartbeats WHERE seen_at < %(now)s::timestamptz - interval '1 day';
