-- What the HTTP door needs: tokens with scopes and an end, clients that obtain tokens, numbers.

-- A program that obtains its tokens itself: OAuth 2.0 client credentials (RFC 6749, section 4.4).
CREATE TABLE api_clients (
    id         uuid PRIMARY KEY,
    team_id    uuid NOT NULL REFERENCES teams,
    name       text NOT NULL,
    -- SHA-256 of the client's secret, which is shown once and never stored.
    digest     bytea NOT NULL,
    scopes     text[] NOT NULL CHECK (scopes <@ ARRAY['read', 'write', 'send'] AND scopes <> '{}'),
    -- Where it may ask for tokens from; empty: from anywhere.
    networks   cidr[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

ALTER TABLE api_tokens
    ADD COLUMN scopes     text[] NOT NULL DEFAULT '{read,write,send}'
        CHECK (scopes <@ ARRAY['read', 'write', 'send'] AND scopes <> '{}'),
    -- Worthless from then on. Null: until it is revoked.
    ADD COLUMN expires_at timestamptz,
    -- The client that obtained it: it ends with it.
    ADD COLUMN client_id  uuid REFERENCES api_clients;
CREATE INDEX api_tokens_client ON api_tokens (client_id) WHERE client_id IS NOT NULL;

-- The Callback API names campaigns and lists by numbers. They are unique here, and looked up with the
-- team all the same.
ALTER TABLE campaigns ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE;
ALTER TABLE contact_groups ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE;

-- How many campaigns a team has of each kind that lists are filtered by: the sum over its rows. One
-- row per kind and database connection, so that those who submit and steer campaigns never wait for
-- each other because of the count. Deleted ones and test sends do not count.
CREATE TABLE campaign_tallies (
    team_id         uuid NOT NULL,
    sending_type    text NOT NULL,
    schedule_type   text NOT NULL,
    status          text NOT NULL,
    manually_paused boolean NOT NULL,
    -- The connection that counted; 0: what the tick has added up.
    backend         integer NOT NULL,
    campaigns       bigint NOT NULL,
    PRIMARY KEY (team_id, sending_type, schedule_type, status, manually_paused, backend)
) WITH (fillfactor = 50);
-- What is to be added up.
CREATE INDEX campaign_tallies_open ON campaign_tallies (team_id) WHERE backend <> 0;
INSERT INTO campaign_tallies
SELECT team_id, sending_type, schedule_type, status, manually_paused, 0, count(*)
FROM campaigns
WHERE status <> 'deleted' AND NOT is_test
GROUP BY team_id, sending_type, schedule_type, status, manually_paused;

-- Counted here and not by those who write, who are many: once per statement that adds or removes, and
-- otherwise for those rows alone that become of another kind. Most updates are the tick's, of others.
CREATE FUNCTION tally_campaigns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_tallies AS t
    SELECT team_id, sending_type, schedule_type, status, manually_paused, pg_backend_pid(),
           CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END
    FROM changed WHERE status <> 'deleted' AND NOT is_test
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (team_id, sending_type, schedule_type, status, manually_paused, backend)
        DO UPDATE SET campaigns = t.campaigns + excluded.campaigns;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_added AFTER INSERT ON campaigns
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_campaigns();
CREATE TRIGGER campaigns_removed AFTER DELETE ON campaigns
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally_campaigns();

CREATE FUNCTION tally_changed_campaign() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_tallies AS t
    SELECT team_id, sending_type, schedule_type, status, manually_paused, pg_backend_pid(), n
    FROM (SELECT OLD.*, -1 AS n UNION ALL SELECT NEW.*, 1) changed
    WHERE status <> 'deleted' AND NOT is_test
    ON CONFLICT (team_id, sending_type, schedule_type, status, manually_paused, backend)
        DO UPDATE SET campaigns = t.campaigns + excluded.campaigns;
    RETURN NULL;
END $$;
CREATE TRIGGER campaigns_changed
    AFTER UPDATE OF sending_type, schedule_type, status, manually_paused ON campaigns
    FOR EACH ROW
    WHEN ((OLD.sending_type, OLD.schedule_type, OLD.status, OLD.manually_paused)
          IS DISTINCT FROM (NEW.sending_type, NEW.schedule_type, NEW.status, NEW.manually_paused))
    EXECUTE FUNCTION tally_changed_campaign();

-- A team's campaigns in each order that lists come in, with all that they are filtered by: what lies
-- before a page is counted off without a look at a row, which is wide.
DROP INDEX campaigns_team;
CREATE INDEX campaigns_team ON campaigns (team_id, created_at, id)
    INCLUDE (status, manually_paused, sending_type, schedule_type)
    WHERE status <> 'deleted' AND NOT is_test;
CREATE INDEX campaigns_by_name ON campaigns (team_id, name COLLATE "C", created_at, id)
    INCLUDE (status, manually_paused, sending_type, schedule_type)
    WHERE status <> 'deleted' AND NOT is_test;
CREATE INDEX campaigns_by_update ON campaigns (team_id, updated_at, created_at, id)
    INCLUDE (status, manually_paused, sending_type, schedule_type)
    WHERE status <> 'deleted' AND NOT is_test;
CREATE INDEX campaigns_by_next ON campaigns (team_id, next_dt, created_at, id)
    INCLUDE (status, manually_paused, sending_type, schedule_type)
    WHERE status <> 'deleted' AND NOT is_test;
-- For a filter that leaves few of them.
CREATE INDEX campaigns_by_kind ON campaigns (team_id, status, sending_type)
    WHERE status <> 'deleted' AND NOT is_test;
