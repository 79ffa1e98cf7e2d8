-- What became of rows that were claimed: outcomes, events and counters in one statement. The worker
-- runs these on its loop.
--
-- uses: ledger.sql

-- part: told
-- What the worker says.
outcomes AS (
    SELECT run_id, seq, status, string_to_array(message_ids, E'\n') AS message_ids, class, code, charged
    FROM unnest(
        %(run_ids)s::bigint[], %(seqs)s::integer[], %(statuses)s::text[], %(message_ids)s::text[],
        %(classes)s::text[], %(codes)s::text[], %(charged)s::boolean[]
    ) AS o (run_id, seq, status, message_ids, class, code, charged)
    ORDER BY run_id, seq
)

-- part: counted
-- To this connection's own row, which nobody else waits for; the tick adds them up.
changes AS (
    SELECT run_id,
           (count(*) FILTER (WHERE status = 'accepted' AND was <> 'accepted'))::int AS accepted,
           (count(*) FILTER (WHERE status = 'rejected'))::int AS rejected,
           (count(*) FILTER (WHERE status = 'failed'))::int AS failed,
           (count(*) FILTER (WHERE status = 'unknown') - count(*) FILTER (WHERE was = 'unknown'))::int AS unknown,
           count(*)::int AS n
    FROM settled GROUP BY run_id
), counted AS (
    INSERT INTO run_tallies AS t (run_id, backend, accepted, rejected, failed, unknown)
    SELECT run_id, pg_backend_pid(), accepted, rejected, failed, unknown FROM changes ORDER BY run_id
    ON CONFLICT (run_id, backend) DO UPDATE
    SET accepted = t.accepted + excluded.accepted, rejected = t.rejected + excluded.rejected,
        failed = t.failed + excluded.failed, unknown = t.unknown + excluded.unknown
)
SELECT coalesce(sum(n), 0)::int AS settled FROM changes

-- part: usual_outcomes
-- Of the rows of which nobody else said anything meanwhile.
-- A row leaves `sending` once in each claim, so its event cannot be there yet; to ask for that would
-- cost as much as all the rest of the event.
settled AS (
    UPDATE deliveries d
    SET status = o.status,
        attempts = d.attempts - CASE WHEN o.charged THEN 0 ELSE 1 END,
        submitted = o.status = 'accepted',
        provider_message_ids = o.message_ids,
        awaits_report = %(awaits_report)s,
        error_class = o.class,
        error_code = o.code,
        settled_at = greatest(coalesce(%(now)s::timestamptz, clock_timestamp()),
                              d.settled_at + interval '1 microsecond')
    FROM outcomes o
    WHERE d.run_id = o.run_id AND d.seq = o.seq
      AND d.lease_token = %(token)s AND d.status = 'sending' AND d.reported_at IS NULL
    RETURNING d.run_id, d.seq, 'sending' AS was, d.status, o.status AS told, o.class, o.code,
              d.provider, d.claimed_at, d.settled_at
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, retried, provider, error_class, code)
    SELECT run_id, seq, CASE WHEN status = 'unknown' OR class = 'in_doubt' THEN 'unknown' ELSE 'failed' END,
           (date_part('epoch', claimed_at) * 1e6)::bigint::text,
           settled_at, status = 'pending', provider, class, code
    FROM settled
    WHERE status <> 'accepted' AND (status <> 'pending' OR class IS NOT NULL)
)

-- part: announced
-- What others are to be told (campaigns/callbacks): that a message was taken, or that it certainly will
-- not arrive. Only in batches of which a run has somebody to tell: no other batch pays for it.
announced AS (
    INSERT INTO event_outbox (run_id, seq, kind, at, code)
    SELECT s.run_id, s.seq, e.kind, s.settled_at, s.code
    FROM settled s
    CROSS JOIN LATERAL (
        SELECT CASE WHEN s.told = 'accepted' THEN 'submitted'
                    WHEN s.status IN ('rejected', 'failed') THEN 'bounced' END AS kind
    ) e
    -- A look-up for each row, whatever the planner thinks of how many there are.
    WHERE e.kind = ANY ((SELECT r.announces FROM runs r WHERE r.id = s.run_id)::text[])
    ORDER BY s.run_id, s.seq
)

-- name: record
-- Outcomes of a chunk, of the rows of which nobody else said anything meanwhile: nearly always all.
-- Fenced by status and lease token. What goes back to pending keeps its place in its slice; `charged`
-- is false for what cost no attempt, which makes no event either.
-- What was accepted says so itself, and has no event (deliveries.submitted).
-- Planner: unnest as the outer side of a nested loop into the deliveries primary key.
WITH {told}, {usual_outcomes}, {counted};

-- name: record_announced
-- The same where others are to be told.
WITH {told}, {usual_outcomes}, {announced}, {counted};

-- part: all_outcomes
previous AS (
    SELECT d.run_id, d.seq, d.status AS was,
           CASE WHEN d.status = 'unknown' AND o.status = 'pending' THEN 'unknown' ELSE o.status END AS status,
           CASE WHEN d.status = 'unknown' AND o.status = 'pending' THEN 'in_doubt' ELSE o.class END AS class,
           o.message_ids, o.code, o.charged
    FROM outcomes o
    JOIN deliveries d ON d.run_id = o.run_id AND d.seq = o.seq
    WHERE d.lease_token = %(token)s
      AND (d.status = 'sending'
           OR (d.status = 'unknown' AND (o.status <> 'unknown' OR d.error_code IS DISTINCT FROM o.code))
           OR (d.status = 'accepted' AND d.reported_at IS NOT NULL AND NOT d.submitted))
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), settled AS (
    UPDATE deliveries d
    SET status = CASE WHEN p.was = 'accepted' THEN p.was ELSE p.status END,
        attempts = d.attempts - CASE WHEN p.charged OR p.was <> 'sending' THEN 0 ELSE 1 END,
        submitted = p.status = 'accepted',
        provider_message_ids = CASE WHEN p.status = 'accepted' THEN p.message_ids ELSE d.provider_message_ids END,
        awaits_report = %(awaits_report)s,
        error_class = CASE WHEN p.was = 'accepted' THEN d.error_class ELSE p.class END,
        error_code = CASE WHEN p.was = 'accepted' THEN d.error_code ELSE p.code END,
        settled_at = greatest(coalesce(%(now)s::timestamptz, clock_timestamp()),
                              d.settled_at + interval '1 microsecond')
    FROM previous p
    WHERE d.run_id = p.run_id AND d.seq = p.seq
    RETURNING d.run_id, d.seq, d.address, p.was, d.status, p.status AS told, p.class, p.code,
              d.provider, d.claimed_at, d.settled_at
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, retried, provider, error_class, code)
    SELECT run_id, seq, CASE WHEN told = 'unknown' OR class = 'in_doubt' THEN 'unknown' ELSE 'failed' END,
           -- The claim is forgotten where a person has it sent again, and a report came first.
           coalesce((date_part('epoch', claimed_at) * 1e6)::bigint::text, '')
           || CASE WHEN was = 'unknown' AND told = 'unknown' THEN ':' || coalesce(code, '') ELSE '' END,
           settled_at, told = 'pending', provider, class, code
    FROM settled
    WHERE told <> 'accepted' AND (told <> 'pending' OR class IS NOT NULL)
    ON CONFLICT DO NOTHING
)

-- name: record_all
-- Outcomes of all rows, of those too that `record` leaves out. Whoever lost the lease may still tell
-- what became of a row that is held as unknown, and can change nothing else; a row that would go back
-- to pending stays unknown then, because its slice is gone, with the code that tells why, for the
-- operator to send again. Rows that the provider spoke of before its answer was stored have to be folded
-- again by a later statement of the same transaction (events.sql): this one does not see the events
-- of whoever held them before.
WITH {told}, {all_outcomes}, {counted};

-- name: record_all_announced
-- The same where others are to be told.
WITH {told}, {all_outcomes}, {announced}, {counted};

-- name: record_capped
-- The same for a batch that was claimed with touches: what was certainly not sent gives its own back,
-- so that the recipient's next attempt, or another campaign, is not refused because of it.
WITH {told}, {all_outcomes}, unsent AS (
    SELECT run_id, address, claimed_at FROM settled WHERE told IN ('pending', 'rejected', 'failed')
), {give_touches_back}, {counted};

-- name: record_capped_announced
-- The same where others are to be told.
WITH {told}, {all_outcomes}, unsent AS (
    SELECT run_id, address, claimed_at FROM settled WHERE told IN ('pending', 'rejected', 'failed')
), {give_touches_back}, {announced}, {counted};

-- name: hold_recipients
-- Rows whose provider slows down this one recipient: not tried again before then (handback.sql).
UPDATE deliveries d
SET retry_at = coalesce(%(now)s::timestamptz, clock_timestamp()) + make_interval(secs => o.seconds)
FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[], %(waits)s::float8[]) AS o (run_id, seq, seconds)
WHERE d.run_id = o.run_id AND d.seq = o.seq AND d.lease_token = %(token)s AND d.status = 'pending';
