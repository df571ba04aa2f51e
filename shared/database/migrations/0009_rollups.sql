-- How the time of monitors was spent, hour by hour: the one way of adding it up, used by the recorder for hours that
-- are over and by the gateway for the one that is not. Also what packages hold beside thresholds.

-- Where the recorder stands: hours before hours_until are added up; those until rolling_until are being added up, for
-- monitors above next_monitor still to come. One row, locked by whoever goes on.
CREATE TABLE rollup_progress (
    the_only_one  boolean PRIMARY KEY DEFAULT true CHECK (the_only_one),
    hours_until   bigint NOT NULL CHECK (hours_until % 3600000 = 0),
    rolling_until bigint NOT NULL CHECK (rolling_until % 3600000 = 0 AND rolling_until >= hours_until),
    next_monitor  bigint NOT NULL DEFAULT 0
);
INSERT INTO rollup_progress (hours_until, rolling_until)
    SELECT now_ms / 3600000 * 3600000, now_ms / 3600000 * 3600000 FROM clock_ms() AS now_ms;

-- Hours of a monitor of which something became known only after they may have been added up.
DROP TABLE rollups_due;
CREATE TABLE rollups_due (
    monitor_id bigint NOT NULL,
    starts_at  bigint NOT NULL CHECK (starts_at % 3600000 = 0),
    PRIMARY KEY (monitor_id, starts_at)
);

-- What is believed of monitors that were there before beliefs were written down.
INSERT INTO health_changes (monitor_id, organization_id, since, health)
    SELECT monitor_id, organization_id, since, health FROM monitor_health WHERE since > 0
    ON CONFLICT DO NOTHING;

-- Whether a recorded check says anything about the mail server. A withheld one does only where it failed by itself,
-- before the login; one that got there shows the refusal behind it, or none.
CREATE FUNCTION check_counts(outcome text, phase text, withheld boolean) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT outcome NOT IN ('internal', 'blocked_target') AND NOT (withheld AND (outcome = 'ok' OR phase = 'auth')) $$;

-- What became of these monitors from from_ms until until_ms, in buckets of bucket_ms. Time in maintenance is neither
-- up nor down, whatever was believed; time before anything was believed is not counted at all.
CREATE FUNCTION roll_up(monitor_ids bigint[], from_ms bigint, until_ms bigint, bucket_ms bigint)
    RETURNS TABLE (
        monitor_id bigint, organization_id bigint, starts_at bigint, checks integer, failures integer,
        total_ms_sum double precision, total_ms_min real, total_ms_max real,
        up_ms bigint, degraded_ms bigint, down_ms bigint, unknown_ms bigint, maintenance_ms bigint)
    LANGUAGE sql STABLE AS $$
    WITH maintained AS (
        SELECT w.monitor_id, range_agg(int8range(w.starts_at, w.ends_at)) AS windows
        FROM monitor_maintenance w
        WHERE w.monitor_id = ANY (monitor_ids) AND w.starts_at < until_ms AND w.ends_at > from_ms
        GROUP BY w.monitor_id
    ), beliefs AS (
        SELECT c.monitor_id, c.health, greatest(c.since, from_ms) AS since,
               coalesce(lead(c.since) OVER (PARTITION BY c.monitor_id ORDER BY c.since), until_ms) AS until
        FROM unnest(monitor_ids) AS wanted(id)
        CROSS JOIN LATERAL (
            (SELECT p.monitor_id, p.health, p.since FROM health_changes p
             WHERE p.monitor_id = wanted.id AND p.since <= from_ms ORDER BY p.since DESC LIMIT 1)
            UNION ALL
            (SELECT n.monitor_id, n.health, n.since FROM health_changes n
             WHERE n.monitor_id = wanted.id AND n.since > from_ms AND n.since < until_ms)) AS c
    ), held AS (
        SELECT b.monitor_id, k.starts_at, b.health,
               int8range(greatest(b.since, k.starts_at), least(b.until, k.starts_at + bucket_ms)) AS during
        FROM beliefs b
        JOIN generate_series(from_ms, until_ms - 1, bucket_ms) AS k(starts_at)
            ON b.since < k.starts_at + bucket_ms AND b.until > k.starts_at
    ), spent AS (
        SELECT h.monitor_id, h.starts_at,
               sum(f.free_ms) FILTER (WHERE h.health = 'up') AS up_ms,
               sum(f.free_ms) FILTER (WHERE h.health = 'degraded') AS degraded_ms,
               sum(f.free_ms) FILTER (WHERE h.health = 'down') AS down_ms,
               sum(f.free_ms) FILTER (WHERE h.health = 'unknown') AS unknown_ms,
               sum(upper(h.during) - lower(h.during) - f.free_ms) AS maintenance_ms
        FROM held h
        LEFT JOIN maintained w ON w.monitor_id = h.monitor_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(upper(piece) - lower(piece)), 0) AS free_ms
            FROM unnest(int8multirange(h.during) - coalesce(w.windows, '{}'::int8multirange)) AS piece) AS f
        GROUP BY h.monitor_id, h.starts_at
    ), told AS (
        SELECT r.monitor_id, from_ms + (r.slot_at - from_ms) / bucket_ms * bucket_ms AS starts_at,
               count(*)::integer AS checks, (count(*) FILTER (WHERE NOT r.passed))::integer AS failures,
               sum(r.total_ms::double precision) FILTER (WHERE r.passed) AS total_ms_sum,
               min(r.total_ms) FILTER (WHERE r.passed) AS total_ms_min,
               max(r.total_ms) FILTER (WHERE r.passed) AS total_ms_max
        FROM results r
        WHERE r.monitor_id = ANY (monitor_ids) AND r.slot_at >= from_ms AND r.slot_at < until_ms
          AND check_counts(r.outcome, r.phase, r.withheld)
        GROUP BY 1, 2
    )
    SELECT m.id, m.organization_id, every.begins, coalesce(t.checks, 0), coalesce(t.failures, 0),
           coalesce(t.total_ms_sum, 0), t.total_ms_min, t.total_ms_max,
           coalesce(s.up_ms, 0)::bigint, coalesce(s.degraded_ms, 0)::bigint, coalesce(s.down_ms, 0)::bigint,
           coalesce(s.unknown_ms, 0)::bigint, coalesce(s.maintenance_ms, 0)::bigint
    FROM (SELECT monitor_id AS of_monitor, starts_at AS begins FROM spent
          UNION SELECT monitor_id, starts_at FROM told) AS every
    JOIN monitors m ON m.id = every.of_monitor
    LEFT JOIN spent s ON s.monitor_id = every.of_monitor AND s.starts_at = every.begins
    LEFT JOIN told t ON t.monitor_id = every.of_monitor AND t.starts_at = every.begins $$;

-- A belief that turns out otherwise for hours gone by has them added up anew. Hours that ended less than five minutes
-- ago need no note: they are added up ten minutes after their end; those forty days ago stay as they were added up. The
-- conflicting row is locked, so that whoever adds up cannot take it away before what it is about is committed.
CREATE FUNCTION note_changed_beliefs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest CONSTANT bigint := clock_ms() - 3900000;
BEGIN
    INSERT INTO rollups_due (monitor_id, starts_at)
    SELECT DISTINCT c.monitor_id, hour
    FROM changed c
    JOIN monitors m ON m.id = c.monitor_id  -- none where it is being deleted
    CROSS JOIN LATERAL (
        SELECT min(n.since) AS since FROM health_changes n WHERE n.monitor_id = c.monitor_id AND n.since > c.since
    ) AS next
    CROSS JOIN LATERAL generate_series(
        greatest(c.since, newest - 40 * 86400000::bigint) / 3600000 * 3600000,
        least(coalesce(next.since - 1, newest), newest), 3600000) AS hour
    ORDER BY 1, 2
    ON CONFLICT (monitor_id, starts_at) DO UPDATE SET starts_at = excluded.starts_at;
    RETURN NULL;
END $$;
CREATE TRIGGER beliefs_inserted AFTER INSERT ON health_changes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_beliefs();
CREATE TRIGGER beliefs_updated AFTER UPDATE ON health_changes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_beliefs();
CREATE TRIGGER beliefs_replaced AFTER UPDATE ON health_changes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_beliefs();
CREATE TRIGGER beliefs_removed AFTER DELETE ON health_changes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION note_changed_beliefs();

-- A package has a number as everything has, a number of locations, and settings of other products, kept as sent.
ALTER TABLE package_configs
    ADD COLUMN id bigint GENERATED BY DEFAULT AS IDENTITY UNIQUE,
    ADD COLUMN kept jsonb NOT NULL DEFAULT '{}',
    DROP COLUMN check_locations,
    ADD COLUMN check_locations integer CHECK (check_locations BETWEEN 1 AND 1000);

GRANT SELECT ON rollup_progress TO mailprobe_gateway;
GRANT EXECUTE ON FUNCTION check_counts(text, text, boolean), roll_up(bigint[], bigint, bigint, bigint)
    TO mailprobe_gateway, mailprobe_pipeline;
GRANT SELECT, UPDATE ON rollup_progress TO mailprobe_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON rollups_due TO mailprobe_pipeline;
