-- Segments of groups, and campaigns for a part of their groups.

ALTER TABLE campaigns
    ADD COLUMN query_type   text NOT NULL DEFAULT 'all' CHECK (query_type IN ('all', 'segmentation')),
    -- As it was sent, an object or a text, so that it comes back so.
    ADD COLUMN query        jsonb,
    -- The query that counts, in its normal form, in a list: any of them selects a contact. Null:
    -- none does, and if the campaign has no segments either, it is for everybody in its groups.
    ADD COLUMN segmentation jsonb,
    ADD CHECK (query_type = 'all' OR (query IS NOT NULL AND segmentation IS NOT NULL));

-- Which of them ask for the members of a group that somebody wants to delete.
CREATE INDEX campaigns_segmented ON campaigns (team_id) WHERE segmentation IS NOT NULL;

-- A part of a group, by a query that is asked anew for each run.
CREATE TABLE segments (
    id         uuid PRIMARY KEY,
    number     bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    team_id    uuid NOT NULL REFERENCES teams,
    group_id   uuid NOT NULL REFERENCES contact_groups ON DELETE CASCADE,
    name       text NOT NULL,
    -- In its normal form.
    query      jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (team_id, name)
);
CREATE INDEX segments_group ON segments (group_id);

CREATE TABLE campaign_segments (
    campaign_id uuid NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    position    integer NOT NULL,
    -- No foreign key: a past campaign goes on naming its segments after they are gone. A segment
    -- that a campaign may still need is not deleted (campaigns/segmentation/segments.py).
    segment_id  uuid NOT NULL,
    PRIMARY KEY (campaign_id, position),
    UNIQUE (campaign_id, segment_id)
);
CREATE INDEX campaign_segments_segment ON campaign_segments (segment_id);

-- What contacts have in their fields is strangers' text. These read it, and whatever it is, none of
-- them raises. campaigns/segmentation/values.py says the same in Python.

-- Lower case, character by character and the same on every machine, where the server can do that
-- (PostgreSQL 17); an older one goes by ICU, or by the rules of the database.
DO $do$
BEGIN
    EXECUTE format(
        'CREATE FUNCTION text_folded(written text) RETURNS text '
        'LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lower(written%s) $$',
        (SELECT ' COLLATE ' || quote_ident(collname)
         FROM pg_collation
         WHERE collname IN ('pg_c_utf8', 'und-x-icu')
           AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))
         ORDER BY collname = 'pg_c_utf8' DESC
         LIMIT 1));
END
$do$;

-- A number of at most 40 characters. The cast follows the pattern, so that it cannot fail.
CREATE FUNCTION text_number(written text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN written ~ '^[+-]?[0-9]+([.][0-9]+)?$' AND length(written) <= 40
                THEN written::numeric END
$$;

-- 1990-05-17, with or without a time of day, or 17.5.1990, as 19900517. No cast to date, which
-- raises for a 30th of February. Years as in the Gregorian calendar, from 1 on. Patterns are asked
-- without taking the parts out of them: that takes four times as long.
CREATE FUNCTION text_date(written text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    year  integer;
    month integer;
    day   integer;
    days  integer;
BEGIN
    IF written ~ ('^[0-9]{4}-[0-9]{2}-[0-9]{2}'
        '([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$') THEN
        year := left(written, 4);
        month := substr(written, 6, 2);
        day := substr(written, 9, 2);
    ELSIF written ~ '^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}$' THEN
        year := split_part(written, '.', 3);
        month := split_part(written, '.', 2);
        day := split_part(written, '.', 1);
    ELSE
        RETURN NULL;
    END IF;
    days := CASE
        WHEN month IN (4, 6, 9, 11) THEN 30
        WHEN month <> 2 THEN 31
        WHEN year % 4 = 0 AND (year % 100 <> 0 OR year % 400 = 0) THEN 29
        ELSE 28
    END;
    IF year >= 1 AND month BETWEEN 1 AND 12 AND day BETWEEN 1 AND days THEN
        RETURN year * 10000 + month * 100 + day;
    END IF;
    RETURN NULL;
END
$$;
