-- Addresses that providers called dead for ever, by team and channel.

-- name: note_gone
-- Those of these rows whose address was refused so. In the order of the key, so that two chunks that
-- learn the same wait for each other and never in a ring.
INSERT INTO gone_addresses (team_id, channel, address, provider, code, noted_at)
SELECT c.team_id, c.sending_type, d.address, d.provider, coalesce(d.error_code, 'gone'),
       coalesce(%(now)s::timestamptz, clock_timestamp())
FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS o (run_id, seq)
JOIN deliveries d ON d.run_id = o.run_id AND d.seq = o.seq
JOIN runs r ON r.id = d.run_id
JOIN campaigns c ON c.id = r.campaign_id
WHERE d.lease_token = %(token)s AND d.status = 'rejected'
ORDER BY c.team_id, c.sending_type, d.address
ON CONFLICT DO NOTHING;

-- name: note_reported
-- Those of rows that were sent, whose provider says so afterwards. In the same order.
INSERT INTO gone_addresses (team_id, channel, address, provider, code, noted_at)
SELECT c.team_id, c.sending_type, d.address, d.provider, coalesce(o.code, 'gone'), clock_timestamp()
FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[], %(codes)s::text[]) AS o (run_id, seq, code)
JOIN deliveries d ON d.run_id = o.run_id AND d.seq = o.seq
JOIN runs r ON r.id = d.run_id
JOIN campaigns c ON c.id = r.campaign_id
WHERE d.provider IS NOT NULL
ORDER BY c.team_id, c.sending_type, d.address
ON CONFLICT DO NOTHING;

-- name: forget_subscriptions
-- The push subscriptions among them, out of all groups that are sent to: a subscription that ended
-- never comes back under its address. A contact that has no other address goes with it. What somebody
-- is writing at this moment is left alone; it is on the list all the same.
-- Planner: contacts_webpush (group_id, webpush), once for each group of the team.
WITH dead AS (
    SELECT DISTINCT c.team_id, d.address
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[]) AS o (run_id, seq)
    JOIN deliveries d ON d.run_id = o.run_id AND d.seq = o.seq
    JOIN runs r ON r.id = d.run_id
    JOIN campaigns c ON c.id = r.campaign_id
    WHERE d.lease_token = %(token)s AND d.status = 'rejected' AND c.sending_type = 'webpush'
), found AS (
    SELECT x.group_id, x.id, coalesce(x.phone, x.email, x.telegram, x.viber) IS NULL AS alone
    FROM dead
    JOIN contact_groups g ON g.team_id = dead.team_id AND g.kind = 'optin'
    JOIN contacts x ON x.group_id = g.id AND x.webpush = dead.address
    ORDER BY x.group_id, x.id
    FOR UPDATE OF x SKIP LOCKED
), removed AS (
    DELETE FROM contacts x USING found f
    WHERE x.group_id = f.group_id AND x.id = f.id AND f.alone
)
UPDATE contacts x
SET webpush = NULL, updated_at = now()
FROM found f
WHERE x.group_id = f.group_id AND x.id = f.id AND NOT f.alone;

-- name: leave_out_gone
-- Settles the rows of a run that was just resolved whose address is known to be dead. One row per
-- recipient as ever, so that the report says who was left out and why.
-- Planner: from the team's list into the unique key (run_id, address).
WITH left_out AS (
    UPDATE deliveries d
    SET status = 'suppressed', error_class = 'policy', error_code = 'gone',
        settled_at = coalesce(%(now)s::timestamptz, clock_timestamp())
    FROM gone_addresses g
    WHERE g.team_id = %(team_id)s AND g.channel = %(channel)s
      AND d.run_id = %(run_id)s AND d.address = g.address AND d.status = 'pending'
    RETURNING d.seq, d.settled_at
), noted AS (
    INSERT INTO delivery_events (run_id, seq, kind, key, at, error_class, code)
    SELECT %(run_id)s, seq, 'suppressed', 'gone', settled_at, 'policy', 'gone' FROM left_out
)
UPDATE runs SET suppressed = suppressed + (SELECT count(*) FROM left_out)
WHERE id = %(run_id)s;

-- name: bring_back
-- Somebody gives these addresses of one kind anew, for all channels that use them.
DELETE FROM gone_addresses
WHERE team_id = %(team_id)s AND channel = ANY(%(channels)s::text[])
  AND address = ANY(%(addresses)s::text[]);

-- name: bring_back_staged
-- The same for an import, of which the lines stand in a table of their own.
DELETE FROM gone_addresses g
WHERE g.team_id = %(team_id)s AND g.channel = ANY(%(channels)s::text[])
  AND EXISTS (SELECT FROM contacts_import s WHERE s.{address} = g.address);
