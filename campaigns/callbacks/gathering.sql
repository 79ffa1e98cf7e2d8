-- From the outbox to messages for receivers.

-- name: lock_gathering
-- One process at a time; gone with the transaction, whatever happens to its holder.
SELECT pg_try_advisory_xact_lock(hashtext('sluice.gathering')) AS locked,
       coalesce(%(now)s::timestamptz, clock_timestamp()) AS now;

-- name: gather
-- Takes the events out of the outbox that are to go out now (packs() in windows.py) and makes a message
-- of each stretch for everybody who wants to hear of it: the campaign's own URL, the endpoints of its
-- team. What nobody wants any more is just taken out. A receiver that is held keeps its rest.
-- Planner: the front of the outbox by its primary key; then few runs and fewer receivers, by theirs.
WITH looked_at AS (
    SELECT id, run_id, seq, kind, at, code, noted_at
    FROM event_outbox
    WHERE id <= %(up_to)s
    ORDER BY id
    LIMIT %(portion)s
), placed AS (
    SELECT *, (row_number() OVER (PARTITION BY run_id, kind ORDER BY id) - 1) / %(most)s AS stretch
    FROM looked_at
), packs AS (
    SELECT row_number() OVER (ORDER BY min(id)) AS pack, run_id, kind, array_agg(id) AS ids,
           array_agg(seq ORDER BY id) AS seqs, array_agg(at ORDER BY id) AS ats,
           array_agg(code ORDER BY id) AS codes
    FROM placed
    GROUP BY run_id, kind, stretch
    HAVING count(*) = %(most)s
        OR min(noted_at) <= %(now)s::timestamptz - make_interval(secs => %(window)s)
), taken AS (
    DELETE FROM event_outbox WHERE id IN (SELECT unnest(ids) FROM packs)
), told AS (
    SELECT p.pack, p.run_id, p.kind, p.seqs, p.ats, p.codes, c.id AS campaign_id, c.team_id,
           c.event_callback IS NOT NULL AND p.kind = ANY (told_by_form(c.sending_type)) AS by_form
    FROM packs p
    JOIN runs r ON r.id = p.run_id
    JOIN campaigns c ON c.id = r.campaign_id
), forms AS (
    -- What is there already is written as well, so that it is locked and answered with.
    INSERT INTO receivers AS v (campaign_id, next_at)
    SELECT DISTINCT campaign_id, %(now)s::timestamptz FROM told WHERE by_form
    ON CONFLICT (campaign_id) DO UPDATE
    SET next_at = CASE WHEN v.disabled_reason IS NULL
                       THEN least(v.next_at, greatest(excluded.next_at, v.resting_until)) END
    RETURNING id, campaign_id, disabled_reason
), hooks AS (
    UPDATE receivers v
    SET next_at = least(v.next_at, greatest(%(now)s::timestamptz, v.resting_until))
    FROM (SELECT DISTINCT e.id
          FROM told t JOIN webhook_endpoints e ON e.team_id = t.team_id AND t.kind = ANY (e.events)) e
    WHERE v.endpoint_id = e.id AND v.disabled_reason IS NULL
    RETURNING v.id, v.endpoint_id
), made AS (
    INSERT INTO callbacks (receiver_id, run_id, kind, seqs, ats, codes, created_at, since, next_at)
    SELECT x.receiver_id, t.run_id, t.kind, t.seqs, t.ats, t.codes, %(now)s, %(now)s, %(now)s
    FROM (
        SELECT t.pack, f.id AS receiver_id
        FROM told t JOIN forms f ON f.campaign_id = t.campaign_id AND f.disabled_reason IS NULL
        WHERE t.by_form
        UNION ALL
        SELECT t.pack, h.id
        FROM told t
        JOIN webhook_endpoints e ON e.team_id = t.team_id AND t.kind = ANY (e.events)
        JOIN hooks h ON h.endpoint_id = e.id
    ) x
    JOIN told t ON t.pack = x.pack
    ORDER BY t.pack
    RETURNING 1
)
SELECT (SELECT count(*)::int FROM looked_at) AS looked_at,
       (SELECT coalesce(sum(cardinality(ids)), 0)::int FROM packs) AS taken,
       (SELECT count(*)::int FROM made) AS messages;

-- name: give_up_old
-- Messages that were tried, or waited for their turn, for as long as all attempts take.
-- Planner: callbacks_since.
UPDATE callbacks
SET state = 'dead', code = coalesce(code, 'expired'), settled_at = %(now)s
WHERE id IN (
    SELECT id FROM callbacks
    WHERE state = 'waiting' AND since < %(now)s::timestamptz - make_interval(secs => %(longest)s)
    ORDER BY since
    LIMIT %(amount)s
    FOR UPDATE SKIP LOCKED);

-- name: forget_settled
-- Messages that were delivered or given up so long ago that nobody replays them.
-- Planner: callbacks_settled.
DELETE FROM callbacks
WHERE id IN (
    SELECT id FROM callbacks
    WHERE state <> 'waiting' AND settled_at < %(now)s::timestamptz - make_interval(days => %(days)s)
    ORDER BY settled_at
    LIMIT %(amount)s
    FOR UPDATE SKIP LOCKED);
