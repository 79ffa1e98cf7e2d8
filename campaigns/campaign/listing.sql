-- Pages by number of a team's campaigns. Planner: all of it is answered by campaigns_team alone.

-- part: criteria
c.team_id = %(team_id)s AND c.status <> 'deleted' AND NOT c.is_test
AND (%(sending_type)s::text IS NULL OR c.sending_type = %(sending_type)s)
AND (%(any_status)s OR CASE WHEN c.manually_paused THEN c.status = ANY (%(held)s)
                            ELSE c.status = ANY (%(going)s) END)

-- name: count_page
SELECT count(*) AS n FROM campaigns c WHERE {criteria};

-- name: numbered_page
-- Another order takes the place of the one in here (campaigns/campaign/listing.py). Planner: by
-- created_at in the order of the index, of which no more is read than what lies before the page; by
-- anything else all of the team's entries are read, and the first ones kept.
SELECT c.id FROM campaigns c
WHERE {criteria}
ORDER BY c.created_at DESC, c.id DESC
LIMIT %(limit)s OFFSET %(offset)s;
