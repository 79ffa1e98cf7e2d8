-- Groups that change in jobs and are kept for a limited time.

-- Nobody writes contacts between their count and the triggers that go on counting. Before all else:
-- whoever writes contacts may want what is locked below.
LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE;

-- How many contacts a group has: the sum over its rows. One row per group and database connection, as
-- in run_tallies, so that those who write contacts never wait for each other because of the count.
CREATE TABLE group_tallies (
    group_id uuid NOT NULL REFERENCES contact_groups ON DELETE CASCADE,
    -- The connection that counted; 0: what the tick has added up.
    backend  integer NOT NULL,
    contacts bigint NOT NULL,
    PRIMARY KEY (group_id, backend)
) WITH (fillfactor = 50);
-- What is to be added up.
CREATE INDEX group_tallies_open ON group_tallies (group_id) WHERE backend <> 0;
INSERT INTO group_tallies (group_id, backend, contacts)
SELECT group_id, 0, count(*) FROM contacts GROUP BY group_id;

-- Counted here and not by those who write, who are many: requests, jobs, imports, opt-outs, operators
-- with a COPY. Once per statement, whatever the number of its rows.
CREATE FUNCTION tally_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO group_tallies AS t (group_id, backend, contacts)
    SELECT n.group_id, pg_backend_pid(), CASE TG_OP WHEN 'INSERT' THEN n.contacts ELSE -n.contacts END
    FROM (SELECT group_id, count(*) AS contacts FROM changed GROUP BY group_id) n
    -- Not where the contacts go because their group does.
    WHERE EXISTS (SELECT FROM contact_groups g WHERE g.id = n.group_id)
    ORDER BY n.group_id
    ON CONFLICT (group_id, backend) DO UPDATE SET contacts = t.contacts + excluded.contacts;
    RETURN NULL;
END $$;
CREATE TRIGGER contacts_added AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_contacts();
CREATE TRIGGER contacts_removed AFTER DELETE ON contacts
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_contacts();

-- A change of a group's contacts that was asked for and is worked through afterwards. Those of one
-- group are worked through in the order of their ids (campaigns/audience/jobs.py).
CREATE TABLE group_jobs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_id     uuid NOT NULL REFERENCES contact_groups ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('add', 'remove', 'flush', 'retire')),
    -- Contacts to add, or numbers to remove, as they were written. Null once the job is done.
    payload      jsonb,
    entries      integer NOT NULL DEFAULT 0,
    -- Names of the custom fields among them.
    headers      text[] NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When its message was last put on the queue.
    published_at timestamptz,
    -- Entries that are dealt with: the job goes on from here after an interruption.
    done         integer NOT NULL DEFAULT 0,
    added        integer NOT NULL DEFAULT 0,
    updated      integer NOT NULL DEFAULT 0,
    unchanged    integer NOT NULL DEFAULT 0,
    removed      integer NOT NULL DEFAULT 0,
    invalid      integer NOT NULL DEFAULT 0,
    -- The first of the entries that were left out: [{"entry": 3, "field": .., "rule": ..}].
    faults       jsonb NOT NULL DEFAULT '[]',
    attempts     smallint NOT NULL DEFAULT 0,
    finished_at  timestamptz,
    -- Why it was given up, in words.
    error        text
);
CREATE INDEX group_jobs_pending ON group_jobs (group_id, id) WHERE finished_at IS NULL;
CREATE INDEX group_jobs_finished ON group_jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX group_jobs_group ON group_jobs (group_id, id);

ALTER TABLE teams
    -- How long groups that nobody uses are kept; null: for ever.
    ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 36500);

ALTER TABLE contact_groups
    -- The end of the last campaign that named it, as far as retention has looked: written by its duty
    -- alone, so that submitting and sending campaigns costs nothing more.
    ADD COLUMN last_used_at timestamptz;

-- Pages of a team's groups, newest first, and how many there are of them.
CREATE INDEX contact_groups_team ON contact_groups (team_id, created_at DESC, id DESC);
