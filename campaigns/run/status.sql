-- What the status of a run is told from. All of it costs the same for ten recipients and for ten
-- million: counters on the run, its few slices, its provider; never the deliveries.

-- name: run_state
-- A run with what its timing is told from (campaigns/run/timing.py).
SELECT r.*, c.name, c.status AS campaign_status, c.manually_paused, c.leftover, c.throttled, c.is_test,
       c.pacing, c.rate, c.segments, c.warm_up, c.sending_type, c.next_dt, c.timezone, c.schedule_rrule, c.schedule_exdates,
       c.schedule_rdates, c.scheduled_send_date, c.scheduled_finish_date, c.expiry_date,
       c.sending_hours, c.quiet_hours, c.holidays,
       t.timezone AS team_timezone, t.sending_hours AS team_sending_hours,
       t.quiet_hours AS team_quiet_hours, t.holidays AS team_holidays, t.rate AS team_rate,
       l.lanes, l.uncut, l.pace_remaining, p.starts AS pause_starts, p.ends AS pause_ends
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
JOIN teams t ON t.id = c.team_id
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('timezone', timezone, 'lo', lo, 'hi', hi, 'next_seq', next_seq)
                     ORDER BY lane) AS lanes,
           coalesce(sum(hi - next_seq), 0)::int AS uncut, sum(pace_remaining) AS pace_remaining
    FROM lanes WHERE run_id = r.id
) l ON true
LEFT JOIN LATERAL (
    SELECT array_agg(start_at ORDER BY start_at) AS starts, array_agg(end_at ORDER BY start_at) AS ends
    FROM pauses WHERE campaign_id = c.id
) p ON true
WHERE r.id = %(run_id)s;

-- name: not_held
-- Occurrences of the run's campaign that did not take place, by reason.
SELECT o.reason, count(*)::int AS n
FROM runs r
JOIN runs o ON o.campaign_id = r.campaign_id AND o.reason IN ('skipped', 'missed')
WHERE r.id = %(run_id)s
GROUP BY o.reason;

-- name: run_tallies
-- What workers counted since the last tick, and no run has been told yet.
SELECT coalesce(sum(accepted), 0)::int AS accepted, coalesce(sum(rejected), 0)::int AS rejected,
       coalesce(sum(failed), 0)::int AS failed, coalesce(sum(unknown), 0)::int AS unknown
FROM run_tallies WHERE run_id = %(run_id)s;

-- name: run_work
-- Handed out and perhaps under way, and what waits to be handed out again.
SELECT coalesce(sum(messages) FILTER (WHERE batch_id IS NOT NULL), 0)::int AS handed_out,
       coalesce(sum(messages) FILTER (WHERE batch_id IS NULL AND kind = 'returned'), 0)::int AS returned,
       coalesce(sum(messages) FILTER (WHERE batch_id IS NULL AND kind = 'retry'), 0)::int AS retries,
       min(not_before) FILTER (WHERE batch_id IS NULL AND kind = 'retry') AS next_retry_at,
       min(not_before) FILTER (WHERE batch_id IS NULL AND kind = 'returned') AS returned_until
FROM slices WHERE run_id = %(run_id)s;

-- name: provider_load
-- Who else wants the same account now, and whether it has to rest. Planner: runs_open.
SELECT (SELECT count(*)::int FROM runs o JOIN campaigns c ON c.id = o.campaign_id
        WHERE o.status = 'sending' AND o.provider = %(provider)s AND o.id <> %(run_id)s
          AND c.status = 'sending' AND NOT c.manually_paused
          AND EXISTS (SELECT FROM lanes l WHERE l.run_id = o.id
                      AND l.gate_opens_at <= %(now)s AND %(now)s < l.gate_closes_at)) AS others,
       s.cooling_until, s.cooling_reason, coalesce(s.circuit, 'closed') AS circuit,
       coalesce(s.failures, 0) AS failures, s.refusal
FROM (SELECT) one
LEFT JOIN provider_states s ON s.provider = %(provider)s;

-- name: heartbeats
SELECT kind, max(seen_at) AS seen_at FROM heartbeats GROUP BY kind;
