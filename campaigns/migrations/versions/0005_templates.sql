-- How long a text message may become, and whether it may be written with other characters for that.

ALTER TABLE campaigns
    ADD COLUMN transliterate boolean NOT NULL DEFAULT false,
    -- Null: as many parts as its text takes.
    ADD COLUMN max_parts     smallint CHECK (max_parts BETWEEN 1 AND 20);
