-- Where codes lead, and who followed them.

-- name: find_destination
-- What a link of a run's campaign is, if the domain that it was asked for at is still the team's. Also
-- of a campaign that was deleted: its messages are out. Primary keys.
SELECT c.team_id, c.sending_type, l.kind, l.target, l.title, l.group_id
FROM runs r
JOIN campaigns c ON c.id = r.campaign_id
JOIN campaign_links l ON l.campaign_id = c.id AND l.number = %(link)s
JOIN domains d ON d.name = l.host AND d.team_id = c.team_id AND 'links' = ANY (d.purposes)
WHERE r.id = %(run_id)s AND l.host = %(host)s;

-- name: find_plain
-- A link that somebody asks for as it is written in texts, without a code.
SELECT l.kind, l.target
FROM domains d
JOIN links l ON l.domain_id = d.id AND l.path = %(path)s
WHERE d.name = %(host)s AND 'links' = ANY (d.purposes);

-- name: count_clicks
-- Adds visits up. What comes within moments of an e-mail's handing over is a scanner's: nobody reads
-- that fast. Answers with all rows that a person followed, also those known before.
-- Planner: primary keys, one row each.
WITH given AS (
    SELECT g.run_id, g.seq, g.link, g.at, c.id AS campaign_id,
           g.by_machine
           OR (c.sending_type = 'email'
               AND g.at < coalesce(d.settled_at, d.claimed_at) + make_interval(secs => %(too_soon)s)) AS by_machine
    FROM unnest(%(run_ids)s::bigint[], %(seqs)s::integer[], %(links)s::smallint[],
                %(ats)s::timestamptz[], %(by_machine)s::boolean[]) AS g (run_id, seq, link, at, by_machine)
    JOIN deliveries d ON d.run_id = g.run_id AND d.seq = g.seq
    JOIN runs r ON r.id = g.run_id
    JOIN campaigns c ON c.id = r.campaign_id
), counted AS (
    INSERT INTO link_clicks AS k (run_id, seq, link, first_at, last_at, times, bot_times)
    SELECT run_id, seq, link, min(at) FILTER (WHERE NOT by_machine), max(at) FILTER (WHERE NOT by_machine),
           count(*) FILTER (WHERE NOT by_machine), count(*) FILTER (WHERE by_machine)
    FROM given
    GROUP BY run_id, seq, link
    ORDER BY run_id, seq, link
    ON CONFLICT (run_id, seq, link) DO UPDATE
    SET first_at = least(k.first_at, excluded.first_at), last_at = greatest(k.last_at, excluded.last_at),
        times = k.times + excluded.times, bot_times = k.bot_times + excluded.bot_times
    RETURNING run_id, seq, link, first_at
)
SELECT DISTINCT k.run_id, k.seq, k.link, k.first_at, l.kind
FROM counted k
JOIN given g ON g.run_id = k.run_id AND g.seq = k.seq AND g.link = k.link AND NOT g.by_machine
JOIN campaign_links l ON l.campaign_id = g.campaign_id AND l.number = k.link;

-- name: count_by_link
-- Of one run: each link, how many recipients followed it, how often in all, and how often machines did.
SELECT l.number, l.source, l.kind, l.target,
       count(k.first_at)::int AS recipients, coalesce(sum(k.times), 0)::int AS times,
       coalesce(sum(k.bot_times), 0)::int AS bot_times
FROM runs r
JOIN campaign_links l ON l.campaign_id = r.campaign_id
LEFT JOIN link_clicks k ON k.run_id = r.id AND k.link = l.number
WHERE r.id = %(run_id)s
GROUP BY l.number, l.source, l.kind, l.target
ORDER BY l.number;
