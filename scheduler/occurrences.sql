-- When runs begin and when they end: occurrences that are due, windows that move on, runs whose time
-- is over. Part of the tick (tick.sql).

-- name: due_campaigns
-- Campaigns of which an occurrence is near: a run is made when its window opens, so that its
-- recipients are written by then. Planner: partial index campaigns_due; runs_campaign for the count.
SELECT c.id, c.provider, c.status, c.timezone, c.schedule_type, c.schedule_rrule, c.schedule_exdates,
       c.schedule_rdates, c.scheduled_send_date, c.scheduled_finish_date, c.expiry_date, c.next_dt,
       c.overlap, c.start_deadline, c.catch_up, c.catch_up_cap, c.jitter,
       (SELECT count(*)::int FROM runs r WHERE r.campaign_id = c.id AND r.status <> 'finished') AS open_runs
FROM campaigns c
WHERE c.status IN ('scheduled', 'sending')
  AND c.next_dt <= %(now)s::timestamptz + make_interval(secs => %(lead)s)
ORDER BY c.next_dt
LIMIT 500
FOR NO KEY UPDATE SKIP LOCKED;

-- name: insert_runs
-- The unique key on (campaign, occurrence) makes a repetition harmless. What did not take place is
-- on record as a run that was over at once.
INSERT INTO runs (campaign_id, occurrence, provider, status, reason, starts_at, window_at,
                  finishes_at, expires_at, created_at, finished_at, announces)
SELECT x.campaign_id, x.occurrence, x.provider,
       CASE WHEN x.reason IS NULL THEN 'resolving' ELSE 'finished' END, x.reason, x.starts_at,
       x.occurrence, x.finishes_at, x.expires_at, %(now)s, CASE WHEN x.reason IS NOT NULL THEN %(now)s::timestamptz END,
       announced_kinds(x.campaign_id)
FROM jsonb_to_recordset(%(runs)s::jsonb) AS x (
    campaign_id uuid, occurrence timestamptz, provider text, reason text, starts_at timestamptz,
    finishes_at timestamptz, expires_at timestamptz)
ON CONFLICT (campaign_id, occurrence) DO NOTHING;

-- name: move_series
-- Where the series of each campaign stands now. One that is over without anything having been
-- started ends here; the others end, or rest, when their last run does (finish_runs).
UPDATE campaigns c
SET next_dt = x.next_dt,
    status = CASE WHEN x.started THEN 'sending'
                  WHEN c.status = 'scheduled' AND x.next_dt IS NULL THEN 'finished'
                  ELSE c.status END,
    started_sending_at = CASE WHEN x.started THEN coalesce(c.started_sending_at, %(now)s)
                              ELSE c.started_sending_at END,
    finished_sending_at = CASE WHEN NOT x.started AND c.status = 'scheduled' AND x.next_dt IS NULL
                               THEN %(now)s ELSE c.finished_sending_at END,
    updated_at = CASE WHEN x.started OR x.next_dt IS NULL THEN %(now)s ELSE c.updated_at END
FROM jsonb_to_recordset(%(campaigns)s::jsonb) AS x (id uuid, next_dt timestamptz, started boolean)
WHERE c.id = x.id;

-- name: fail_campaign
-- A run that is under way goes on; there is just no other one after it.
UPDATE campaigns
SET status = CASE WHEN status = 'scheduled' THEN 'failed' ELSE status END,
    finished_sending_at = CASE WHEN status = 'scheduled' THEN %(now)s ELSE finished_sending_at END,
    next_dt = NULL, error = %(error)s, updated_at = %(now)s
WHERE id = %(id)s;

-- name: windows_over
-- Runs whose window is over and whose rest waits for the next one.
SELECT r.id, r.window_at, r.finishes_at, r.expires_at, c.timezone, c.schedule_type, c.schedule_rrule,
       c.schedule_exdates, c.schedule_rdates, c.scheduled_send_date, c.scheduled_finish_date,
       c.expiry_date
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
WHERE r.status = 'sending' AND c.leftover = 'next_window' AND r.finishes_at <= %(now)s
  AND c.status = 'sending'
ORDER BY r.id
FOR NO KEY UPDATE OF r SKIP LOCKED;

-- name: move_windows
-- To the next window, with lines to be drawn anew; a run without another window expires.
WITH moved AS (
    UPDATE runs r
    SET window_at = coalesce(x.window_at, r.window_at),
        finishes_at = coalesce(x.finishes_at, r.finishes_at),
        expires_at = CASE WHEN x.window_at IS NULL THEN %(now)s ELSE r.expires_at END
    FROM jsonb_to_recordset(%(runs)s::jsonb) AS x (
        id bigint, window_at timestamptz, finishes_at timestamptz)
    WHERE r.id = x.id
    RETURNING r.id
)
UPDATE lanes SET pace_remaining = NULL, pace_until = NULL
WHERE run_id IN (SELECT id FROM moved);

-- name: close_ended
-- Runs whose campaign was stopped, whose expiry has come, or whose window is over and whose
-- leftover policy is to expire. A run that is still being resolved is left to its resolver.
-- A run is made a little before its start. One that no tick has seen since then, because no beat was
-- there, is too late by the same rules as one that is still to be made (schedule/occurrences.py).
WITH last_tick AS (
    SELECT max(seen_at) AS at FROM heartbeats WHERE kind = 'beat'
), ended AS (
    SELECT r.id, CASE WHEN c.status IN ('stopped', 'failed', 'deleted') THEN 'stopped'
                      WHEN m.missed THEN 'missed'
                      ELSE 'expired' END AS reason
    FROM runs r
    JOIN campaigns c ON c.id = r.campaign_id
    CROSS JOIN last_tick t
    CROSS JOIN LATERAL (
        SELECT r.starts_at > t.at
               AND (r.starts_at < %(now)s::timestamptz - make_interval(secs => c.start_deadline)
                    OR (c.schedule_type = 'scheduled' AND c.catch_up = 'skip'
                        AND r.starts_at < %(now)s::timestamptz - make_interval(secs => %(late)s))) AS missed
    ) m
    WHERE r.status IN ('resolving', 'sending')
      AND (c.status IN ('stopped', 'failed', 'deleted')
           OR m.missed
           OR (r.status = 'sending'
               AND (r.expires_at <= %(now)s
                    OR (c.leftover = 'expire' AND r.finishes_at <= %(now)s))))
    FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE runs r SET status = 'closing', reason = ended.reason, published_at = NULL
FROM ended WHERE r.id = ended.id;
