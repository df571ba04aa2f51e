-- What the pipeline knows of itself: who takes canaries, whether anybody listens to the workers, and hosts that refuse.

-- A worker too old to know a canary gets none.
ALTER TABLE location_workers ADD COLUMN canaries boolean NOT NULL DEFAULT false;

-- Since when and until when a recorder has been hearing the workers' signs of life, and when that was so before the
-- last gap. One row. While nobody hears, nobody can be told to be silent.
CREATE TABLE hearing (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    until_at   bigint NOT NULL,
    since_at   bigint NOT NULL,
    before_gap bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON hearing TO mailprobe_pipeline;
GRANT SELECT ON hearing TO mailprobe_gateway, mailprobe_notifier;

-- Whoever was not seen after this time is silent. For two minutes after a gap in hearing it stays what it was before
-- the gap: those who spoke then have not been listened to since. Without a row, the clock decides.
CREATE FUNCTION silent_before() RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT coalesce(
              (SELECT CASE WHEN until_at - since_at < 120000 THEN before_gap ELSE until_at END FROM hearing),
              clock_ms()) - 120000 $$;
GRANT EXECUTE ON FUNCTION silent_before() TO mailprobe_gateway, mailprobe_pipeline, mailprobe_notifier;

-- When the host last refused several accounts that had worked until then. Who is refused soon after belongs to it.
ALTER TABLE host_login_outages ADD COLUMN seen_at bigint NOT NULL;
