-- What providers said, applied to the rows that it is about. Whoever uses these holds the rows since an
-- earlier statement of the same transaction: one statement does not see what those noted whom it
-- waited for. Locks are taken as everywhere: deliveries by their key, then runs.

-- name: note_message_ids
-- Behind `record`, for the same rows: notes where their message ids lead, if `noting`, takes in
-- reports that came before the ids were known, and names the rows that have to be folded again.
WITH recorded AS (
    SELECT d.run_id, d.seq, d.provider, d.provider_message_ids, d.reported_at
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS k (run_id, seq)
    JOIN deliveries d ON d.run_id = k.run_id AND d.seq = k.seq
    WHERE d.lease_token = %(token)s
), ids AS (
    SELECT provider, unnest(provider_message_ids) AS message_id, run_id, seq
    FROM recorded WHERE %(noting)s
), noted AS (
    INSERT INTO message_ids (provider, message_id, run_id, seq, noted_at)
    SELECT provider, message_id, run_id, seq, coalesce(%(now)s::timestamptz, clock_timestamp())
    FROM ids ORDER BY provider, message_id
    ON CONFLICT DO NOTHING
), strays AS (
    DELETE FROM stray_reports s USING ids i
    WHERE s.provider = i.provider AND s.message_id = i.message_id
    RETURNING i.run_id, i.seq, s.provider, s.message_id, s.kind, s.key, s.at, s.code
), heard AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, provider, message_ids, code)
    SELECT run_id, seq, kind, key, at, provider, ARRAY[message_id], code FROM strays
    ON CONFLICT DO NOTHING
)
SELECT run_id, seq FROM recorded WHERE reported_at IS NOT NULL
UNION
SELECT run_id, seq FROM strays;

-- name: refold
-- What rows are by all of their events, as fold() in events.py says it: it has the reasons. Only rows
-- that a provider spoke of are changed; what we did ourselves is written where it is done.
-- Planner: a few rows of the primary keys below delivery_history for each row, as a subquery of its own,
-- so that no plan joins histories with each other.
WITH held AS (
    SELECT d.run_id, d.seq, d.status, d.report, d.error_class, d.opened_at, d.clicked_at, d.late
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS k (run_id, seq)
    JOIN deliveries d ON d.run_id = k.run_id AND d.seq = k.seq
    ORDER BY d.run_id, d.seq
    FOR UPDATE OF d
), folded AS (
    SELECT h.run_id, h.seq, h.status AS was_status, h.report AS was_report, h.error_class AS was_class,
           h.opened_at AS was_opened_at, h.clicked_at AS was_clicked_at, h.late AS was_late, f.*
    FROM held h
    CROSS JOIN LATERAL (
        WITH history AS (
            SELECT e.*, left(e.key, 2) IN ('r:', 'p:') AS reported, left(e.key, 2) = 'p:' AS of_part
            FROM delivery_history e
            WHERE e.run_id = h.run_id AND e.seq = h.seq
        ), words AS (
            SELECT bool_or(kind IN ('opened', 'clicked') OR (kind = 'delivered' AND NOT of_part)) AS arrived,
                   coalesce(array_agg(message_ids[1]) FILTER (WHERE kind = 'delivered' AND of_part), '{}') AS parts,
                   coalesce(max(at) FILTER (WHERE kind = 'delivered'),
                            max(at) FILTER (WHERE kind IN ('bounced', 'failed')), min(at)) AS reported_at,
                   min(at) FILTER (WHERE kind = 'opened') AS opened_at,
                   min(at) FILTER (WHERE kind = 'clicked') AS clicked_at
            FROM history WHERE reported
            HAVING count(*) > 0
        ), submissions AS (
            SELECT e.message_ids AS ids,
                   EXISTS (SELECT FROM history r
                           WHERE r.kind = 'resent' AND (r.at, r.kind, r.key) > (e.at, e.kind, e.key)) AS outweighed
            FROM history e WHERE NOT e.reported AND e.kind = 'submitted'
        ), lost AS (
            SELECT code FROM history e, words w
            WHERE e.reported AND e.kind IN ('bounced', 'failed')
              AND (NOT e.of_part
                   OR (e.message_ids[1] <> ALL (w.parts)
                       AND EXISTS (SELECT FROM submissions s WHERE e.message_ids[1] = ANY (s.ids))))
            ORDER BY e.at DESC, e.kind DESC, e.key DESC
            LIMIT 1
        ), expiry AS (
            SELECT e.code FROM history e
            WHERE NOT e.reported AND e.kind = 'expired'
              AND NOT EXISTS (
                  SELECT FROM history r
                  WHERE r.kind = 'resent' AND (r.at, r.kind, r.key) > (e.at, e.kind, e.key))
            ORDER BY e.at DESC, e.key DESC
            LIMIT 1
        ), taken AS (
            SELECT FROM submissions WHERE NOT outweighed
            UNION ALL
            SELECT FROM history e
            WHERE e.reported
              AND (NOT e.of_part OR NOT EXISTS (SELECT FROM submissions s
                                                WHERE s.outweighed AND e.message_ids[1] = ANY (s.ids)))
        ), final AS (
            SELECT CASE WHEN w.arrived OR EXISTS (SELECT FROM submissions s
                                                  WHERE s.ids <> '{}' AND s.ids <@ w.parts) THEN 'delivered'
                        WHEN EXISTS (SELECT FROM lost) THEN 'undelivered' END AS report
            FROM words w
        )
        SELECT CASE WHEN report IS NULL AND NOT taken THEN h.status
                    WHEN report IS NULL AND expired THEN 'failed' ELSE 'accepted' END AS status,
               report IS NOT NULL OR taken AS taken,
               CASE WHEN report IS NULL AND taken AND expired THEN 'unreported' END AS error_class,
               CASE WHEN report = 'undelivered' THEN (SELECT code FROM lost)
                    WHEN report IS NULL THEN (SELECT code FROM expiry) END AS error_code,
               report, reported_at, opened_at, clicked_at, report IS NOT NULL AND expired AS late
        FROM words, final,
             (SELECT EXISTS (SELECT FROM expiry) AS expired, EXISTS (SELECT FROM taken) AS taken) x
    ) f
), settled AS (
    UPDATE deliveries d
    SET status = f.status,
        error_class = CASE WHEN f.taken THEN f.error_class ELSE d.error_class END,
        error_code = CASE WHEN f.taken THEN f.error_code ELSE d.error_code END,
        report = f.report, reported_at = f.reported_at, opened_at = f.opened_at, clicked_at = f.clicked_at, late = f.late,
        settled_at = CASE WHEN f.taken AND f.was_status IN ('pending', 'sending')
                          THEN greatest(coalesce(%(now)s::timestamptz, clock_timestamp()),
                                        d.settled_at + interval '1 microsecond')
                          ELSE d.settled_at END
    FROM folded f
    WHERE d.run_id = f.run_id AND d.seq = f.seq
    RETURNING f.*
), changes AS (
    SELECT run_id,
           (count(*) FILTER (WHERE status = 'accepted') - count(*) FILTER (WHERE was_status = 'accepted'))::int AS accepted,
           (count(*) FILTER (WHERE status = 'failed') - count(*) FILTER (WHERE was_status = 'failed'))::int AS failed,
           (count(*) FILTER (WHERE was_status = 'rejected' AND status <> was_status))::int AS rejected,
           (count(*) FILTER (WHERE was_status = 'unknown' AND status <> was_status))::int AS unknown,
           (count(*) FILTER (WHERE was_status = 'suppressed' AND status <> was_status))::int AS suppressed,
           (count(*) FILTER (WHERE was_status = 'expired' AND status <> was_status))::int AS expired,
           (count(*) FILTER (WHERE was_status = 'cancelled' AND status <> was_status))::int AS cancelled,
           (count(*) FILTER (WHERE error_class = 'unreported')
            - count(*) FILTER (WHERE was_class = 'unreported' AND was_status = 'failed'))::int AS unreported,
           (count(*) FILTER (WHERE report = 'delivered') - count(*) FILTER (WHERE was_report = 'delivered'))::int AS delivered,
           (count(*) FILTER (WHERE report = 'undelivered') - count(*) FILTER (WHERE was_report = 'undelivered'))::int AS undelivered,
           (count(opened_at) - count(was_opened_at))::int AS opened,
           (count(clicked_at) - count(was_clicked_at))::int AS clicked,
           (count(*) FILTER (WHERE late) - count(*) FILTER (WHERE was_late))::int AS late
    FROM settled GROUP BY run_id
), announced AS (
    -- What others are to be told, each kind once: what is told already when a message is refused is not
    -- told again when that is reported. Nearly always no run announces anything.
    INSERT INTO event_outbox (run_id, seq, kind, at, code)
    SELECT s.run_id, s.seq, e.kind, e.at, e.code
    FROM (SELECT id, announces FROM runs
          WHERE id IN (SELECT run_id FROM changes) AND announces <> '{}') r
    JOIN settled s ON s.run_id = r.id
    CROSS JOIN LATERAL (VALUES
        ('delivered', s.reported_at, NULL,
         s.report = 'delivered' AND s.was_report IS DISTINCT FROM 'delivered'),
        ('bounced', s.reported_at, s.error_code,
         s.report = 'undelivered' AND s.was_report IS NULL
         AND (s.was_status NOT IN ('rejected', 'failed') OR s.was_class = 'unreported')),
        ('opened', s.opened_at, NULL, s.opened_at IS NOT NULL AND s.was_opened_at IS NULL),
        ('clicked', s.clicked_at, NULL, s.clicked_at IS NOT NULL AND s.was_clicked_at IS NULL)
    ) e (kind, at, code, is_new)
    WHERE e.is_new AND e.kind = ANY (r.announces)
    ORDER BY s.run_id, s.seq
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM changes) ORDER BY id FOR NO KEY UPDATE
)
UPDATE runs r
SET accepted = r.accepted + c.accepted, failed = r.failed + c.failed, rejected = r.rejected - c.rejected,
    unknown = r.unknown - c.unknown, suppressed = r.suppressed - c.suppressed,
    expired = r.expired - c.expired, cancelled = r.cancelled - c.cancelled,
    unreported = r.unreported + c.unreported, delivered = r.delivered + c.delivered,
    undelivered = r.undelivered + c.undelivered, opened = r.opened + c.opened,
    clicked = r.clicked + c.clicked, late = r.late + c.late
FROM changes c JOIN locked l ON l.id = c.run_id
WHERE r.id = c.run_id;
