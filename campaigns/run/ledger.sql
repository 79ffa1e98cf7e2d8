-- The ledger's write path: lease, claim, record, finish. The worker runs these on its loop. Time is PostgreSQL's own unless a caller names it, so
-- that clocks of several machines never matter.
--
-- Runs are locked FOR NO KEY UPDATE, here and in tick.sql: whoever inserts a slice holds its run's
-- key until the end of the transaction, and a worker that hangs there must stop nobody.
--
-- A slice's rows are looked up as an array of numbers wherever it may be a sparse one. As a stretch
-- with a filter, ten rows of a million would cost a million.

-- name: lease_batch
-- Compare-and-set: a message that is delivered twice, or days late, finds no row to lease. Whoever
-- leases it says whether it sends in such a way that what is in doubt may be sent again.
UPDATE batches
SET status = 'leased',
    resends = batches.provider = ANY (%(resending)s::text[]),
    capped = batches.capped OR EXISTS (
        SELECT FROM slices s
        JOIN runs r ON r.id = s.run_id
        JOIN campaigns c ON c.id = r.campaign_id
        JOIN teams p ON p.id = c.team_id
        WHERE s.batch_id = %(batch_id)s AND coalesce(p.frequency_cap_day, p.frequency_cap_week) IS NOT NULL),
    lease_token = %(token)s,
    lease_until = coalesce(%(now)s::timestamptz, now()) + make_interval(secs => %(lease_seconds)s)
WHERE id = %(batch_id)s AND status = 'ready'
RETURNING provider, messages, capped, limit_keys, limit_rates, interleaved,
          (SELECT coalesce(max(s.losses), 0) FROM slices s WHERE s.batch_id = batches.id) AS losses,
          extract(epoch FROM spread_from - coalesce(%(now)s::timestamptz, now()))::float8 AS spread_from_in,
          extract(epoch FROM spread_until - coalesce(%(now)s::timestamptz, now()))::float8 AS spread_until_in;

-- name: batch_contexts
-- What the messages of a batch share, one row per run: read once per batch, because the message of
-- a campaign that is sending cannot be edited. A message is worth nothing after its run's expiry,
-- nor after the finish where what is left then expires.
-- A run keeps the key of its beginning, so that a message that is tried again has the same reference,
-- by which providers know it again: the newest key that was `key_rests` seconds old by then, because
-- every process has heard of that one, and no transaction of that age is still to be committed.
SELECT r.id AS run_id, r.provider,
       least(r.expires_at, CASE WHEN c.leftover = 'expire' THEN r.finishes_at END) AS expires_at,
       c.template, c.template_vars, c.sender, c.sending_type, c.segments,
       c.transliterate, c.max_parts, r.announces <> '{}' AS announces,
       (SELECT d.name FROM domains d
        WHERE d.id = c.domain_id AND 'bounce' = ANY (d.purposes)) AS bounce_domain,
       (SELECT json_agg(json_build_array(l.number, l.source, l.host) ORDER BY l.number)
        FROM campaign_links l WHERE l.campaign_id = c.id AND l.in_use) AS links,
       (SELECT json_agg(json_build_array(s.lo, s.hi, s.seqs)) FROM slices s
        WHERE s.batch_id = %(batch_id)s AND s.run_id = r.id) AS slices,
       coalesce((SELECT k.key FROM signing_keys k
                 WHERE k.created_at <= r.created_at - make_interval(secs => %(key_rests)s)
                 ORDER BY k.id DESC LIMIT 1),
                (SELECT k.key FROM signing_keys k ORDER BY k.id LIMIT 1)) AS signing_key
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
WHERE r.id IN (SELECT run_id FROM slices WHERE batch_id = %(batch_id)s);

-- part: candidates
-- The rows that the lease, their runs and their lanes allow to be sent now.
WITH clock AS (
    SELECT coalesce(%(now)s::timestamptz, clock_timestamp()) AS now
), lease AS (
    UPDATE batches b
    SET lease_until = clock.now + make_interval(secs => %(lease_seconds)s),
        messages = greatest(b.messages - %(amount)s, 0)
    FROM clock
    WHERE b.id = %(batch_id)s AND b.status = 'leased'
      AND b.lease_token = %(token)s AND b.lease_until > clock.now AND b.capped = %(capped)s
    RETURNING b.id, b.provider
), candidates AS (
    SELECT s.run_id, d.seq, lease.provider,
           extract(epoch FROM least(l.gate_closes_at, r.expires_at) - clock.now)::float8 AS closes_in,
           EXISTS (SELECT FROM contacts o
                   WHERE o.group_id = ANY (r.suppression_groups) AND o.{address} = d.address) AS opted_out
    FROM lease
    CROSS JOIN clock
    JOIN slices s ON s.batch_id = lease.id
    JOIN lanes l ON l.run_id = s.run_id AND l.lane = s.lane
    JOIN runs r ON r.id = s.run_id
    JOIN campaigns c ON c.id = r.campaign_id
    -- One of the two is empty: a slice is a stretch of the key, or a list of places in it.
    -- Not twice under one lease: what failed just now has to wait for its backoff.
    CROSS JOIN LATERAL (
        (SELECT d.seq, d.address
         FROM deliveries d
         WHERE s.seqs IS NULL AND d.run_id = s.run_id AND d.seq >= s.lo AND d.seq < s.hi
           AND d.status = 'pending' AND d.lease_token IS DISTINCT FROM %(token)s
         ORDER BY d.seq
         LIMIT %(amount)s)
        UNION ALL
        (SELECT d.seq, d.address
         FROM deliveries d
         WHERE d.run_id = s.run_id AND d.seq = ANY (s.seqs)
           AND d.status = 'pending' AND d.lease_token IS DISTINCT FROM %(token)s
         ORDER BY d.seq
         LIMIT %(amount)s)
    ) d
    WHERE r.status = 'sending' AND c.status = 'sending' AND NOT c.manually_paused
      -- The opt-outs are probed by the channel's kind of address.
      AND c.sending_type = %(channel)s
      AND l.gate_opens_at <= clock.now AND clock.now < l.gate_closes_at
      AND (r.expires_at IS NULL OR clock.now < r.expires_at)
    ORDER BY s.id, d.seq
    LIMIT %(amount)s
)

-- part: settle_verdicts
-- Rows with a code are settled as suppressed here and now; the others are the worker's. What is in
-- doubt may have arrived already, so it is held, and not called suppressed.
claimed AS (
    UPDATE deliveries d
    SET status = CASE WHEN k.code IS NULL THEN 'sending'
                      WHEN d.error_class = 'in_doubt' THEN 'unknown' ELSE 'suppressed' END,
        attempts = d.attempts + CASE WHEN k.code IS NULL THEN 1 ELSE 0 END,
        error_class = CASE WHEN d.error_class = 'in_doubt' THEN d.error_class
                           WHEN k.code IS NOT NULL THEN 'policy' END,
        error_code = k.code,
        settled_at = CASE WHEN k.code IS NULL THEN d.settled_at
                          ELSE greatest(clock.now, d.settled_at + interval '1 microsecond') END,
        claimed_at = clock.now,
        provider = CASE WHEN k.code IS NULL THEN k.provider ELSE d.provider END,
        lease_token = %(token)s
    FROM verdicts k, clock
    WHERE d.run_id = k.run_id AND d.seq = k.seq AND d.status = 'pending'
    RETURNING d.run_id, d.seq, d.address, d.fields, d.status, d.attempts, k.closes_in,
              coalesce(d.error_class = 'in_doubt', false) AS in_doubt,
              d.claimed_at, d.settled_at, d.error_class, d.error_code
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, error_class, code)
    SELECT run_id, seq, status, (date_part('epoch', claimed_at) * 1e6)::bigint::text, settled_at,
           error_class, error_code
    FROM claimed WHERE status <> 'sending'
    ON CONFLICT DO NOTHING
), stopped AS (
    SELECT run_id, (count(*) FILTER (WHERE status = 'suppressed'))::int AS suppressed,
           (count(*) FILTER (WHERE status = 'unknown'))::int AS unknown
    FROM claimed WHERE status <> 'sending' GROUP BY run_id
), locked AS (
    SELECT id FROM runs WHERE id IN (SELECT run_id FROM stopped) ORDER BY id FOR NO KEY UPDATE
), counted AS (
    UPDATE runs r SET suppressed = r.suppressed + s.suppressed, unknown = r.unknown + s.unknown
    FROM stopped s JOIN locked l ON l.id = s.run_id
    WHERE r.id = s.run_id
)
SELECT run_id, seq, address, fields::text, status, attempts, closes_in, in_doubt FROM claimed ORDER BY run_id, seq

-- name: claim
-- Grants the next chunk, and in the same statement checks everything that may forbid it: the lease
-- is still ours, the campaign neither paused nor stopped and of the account's channel, the lane inside
-- its active interval and not expired, the recipient not opted out since. Opted-out rows are settled here and now.
-- Planner: nested loop from the batch's few slices into the deliveries primary key, at most
-- `amount` rows each; the opt-out probe uses the partial index on (group_id, {address}).
{candidates}, verdicts AS (
    SELECT run_id, seq, provider, closes_in, CASE WHEN opted_out THEN 'opted_out' END AS code FROM candidates
), {settle_verdicts};

-- name: claim_capped
-- The same for a batch with rows of a team that caps what a recipient gets, at about three times the
-- cost. A row is granted together with its touch or not at all. Of two claims that want one recipient
-- at once the second waits at the touch for the first one's commit, and counts it. Locks are taken in
-- one order everywhere: deliveries, touches by team and address, runs.
{candidates}, held AS (
    -- A row that was settled meanwhile, because its run is being closed, must leave no touch.
    SELECT d.run_id, d.seq, c.team_id, d.address, p.frequency_cap_day AS day, p.frequency_cap_week AS week
    FROM candidates k
    JOIN runs r ON r.id = k.run_id
    JOIN campaigns c ON c.id = r.campaign_id
    JOIN teams p ON p.id = c.team_id
    JOIN deliveries d ON d.run_id = k.run_id AND d.seq = k.seq
    WHERE NOT k.opted_out AND NOT c.is_test AND d.status = 'pending'
      AND coalesce(p.frequency_cap_day, p.frequency_cap_week) IS NOT NULL
    FOR UPDATE OF d
), wanted AS (
    SELECT *, row_number() OVER (PARTITION BY team_id, address ORDER BY run_id, seq) AS nth FROM held
), touched AS (
    INSERT INTO recipient_touches AS t (team_id, address, sent_at)
    SELECT w.team_id, w.address, ARRAY[clock.now]
    FROM wanted w, clock
    WHERE w.nth = 1 AND least(w.day, w.week) > 0
    ORDER BY w.team_id, w.address
    ON CONFLICT (team_id, address) DO UPDATE
    SET sent_at = ARRAY(SELECT x FROM unnest(t.sent_at) x
                        WHERE x > excluded.sent_at[1] - interval '168 hours') || excluded.sent_at
    WHERE (SELECT coalesce(n.day < p.frequency_cap_day, true) AND coalesce(n.week < p.frequency_cap_week, true)
           FROM teams p, LATERAL (
               SELECT count(*) FILTER (WHERE x > excluded.sent_at[1] - interval '24 hours') AS day,
                      count(*) FILTER (WHERE x > excluded.sent_at[1] - interval '168 hours') AS week
               FROM unnest(t.sent_at) x
           ) n
           WHERE p.id = t.team_id)
    RETURNING t.team_id, t.address
), verdicts AS (
    SELECT k.run_id, k.seq, k.provider, k.closes_in,
           CASE WHEN k.opted_out THEN 'opted_out'
                WHEN w.seq IS NULL OR t.address IS NOT NULL THEN NULL
                -- Which cap it was. What somebody else committed a moment ago is not seen from here;
                -- it counts for the day as for the week. A subquery, because a join of the whole
                -- table may look cheap to a plan that was made when it was small.
                ELSE (SELECT CASE WHEN w.day IS NULL
                                    OR (count(*) FILTER (WHERE x > clock.now - interval '24 hours') < w.day
                                        AND count(*) FILTER (WHERE x > clock.now - interval '168 hours') >= w.week)
                                  THEN 'frequency_cap_week' ELSE 'frequency_cap_day' END
                      FROM recipient_touches r, unnest(r.sent_at) x
                      WHERE r.team_id = w.team_id AND r.address = w.address)
           END AS code
    FROM candidates k
    CROSS JOIN clock
    LEFT JOIN wanted w ON w.run_id = k.run_id AND w.seq = k.seq
    LEFT JOIN touched t ON t.team_id = w.team_id AND t.address = w.address
    -- Of two runs that want one recipient, the second has to wait for the next claim: a statement
    -- does not see its own touches.
    WHERE w.nth IS NULL OR w.nth = 1
), {settle_verdicts};

-- part: give_touches_back
-- The rows in `unsent` (run_id, address, claimed_at) were certainly not sent: what their claims counted
-- is taken off. A touch is known by the time of its claim.
takings AS (
    SELECT c.team_id, u.address, array_agg(u.claimed_at) AS times
    FROM unsent u
    JOIN runs r ON r.id = u.run_id
    JOIN campaigns c ON c.id = r.campaign_id
    WHERE NOT c.is_test
    GROUP BY c.team_id, u.address
), given_back AS (
    -- An update by key, in the order of the keys, which no plan turns into a scan of the table; what is
    -- not there is not inserted either.
    INSERT INTO recipient_touches AS t (team_id, address, sent_at)
    SELECT x.team_id, x.address, x.times
    FROM takings x
    WHERE (SELECT true FROM recipient_touches r WHERE r.team_id = x.team_id AND r.address = x.address)
    ORDER BY x.team_id, x.address
    ON CONFLICT (team_id, address) DO UPDATE
    SET sent_at = ARRAY(SELECT unnest(t.sent_at) EXCEPT ALL SELECT unnest(excluded.sent_at) ORDER BY 1)
)

-- name: renew_lease
-- The heartbeat of a batch whose requests are slow. No row: the lease is lost.
UPDATE batches
SET lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
WHERE id = %(batch_id)s AND lease_token = %(token)s AND lease_until > clock_timestamp()
RETURNING id;

-- name: release_unsent
-- Rows that were claimed under this lease and whose request certainly never left, because the
-- claim's answer was lost on the way. Only the holder of the lease can know that.
WITH unsent AS (
    UPDATE deliveries d
    SET status = 'pending', attempts = d.attempts - 1
    FROM slices s
    WHERE s.batch_id = %(batch_id)s
      AND d.run_id = s.run_id
      AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
      AND d.status = 'sending' AND d.lease_token = %(token)s
    RETURNING d.run_id, d.address, d.claimed_at
), {give_touches_back}
SELECT count(*)::int AS released FROM unsent;

-- name: finish_batch
-- Forgets a batch of which nothing is left, as of nearly all that end: one statement instead of a
-- transaction of three. The foreign key takes the slices along.
DELETE FROM batches b
WHERE b.id = %(batch_id)s AND b.lease_token = %(token)s
  AND NOT EXISTS (
      SELECT FROM slices s
      JOIN deliveries d ON d.run_id = s.run_id
       AND d.seq = ANY (coalesce(s.seqs, ARRAY(SELECT generate_series(s.lo, s.hi - 1))))
      WHERE s.batch_id = b.id AND d.status IN ('pending', 'sending'))
RETURNING b.id;

-- name: own_batch
-- Locks the batch for handing back, if it is still ours.
SELECT id, clock_timestamp() AS now FROM batches
WHERE id = %(batch_id)s AND lease_token = %(token)s
FOR UPDATE;
