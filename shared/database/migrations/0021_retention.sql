-- How long things are kept: results by whole days, the rest by whoever writes it. And response times of hours and days,
-- so that percentiles are known of any time, however long its results have been gone.

-- Results before since_at are gone, or going. One row, written by the functions below alone.
CREATE TABLE results_kept (
    the_only_one boolean PRIMARY KEY DEFAULT true CHECK (the_only_one),
    since_at     bigint NOT NULL CHECK (since_at % 86400000 = 0)
);
INSERT INTO results_kept (since_at) VALUES (0);
GRANT SELECT ON results_kept TO mailprobe_gateway, mailprobe_pipeline;

CREATE FUNCTION results_partition(day bigint) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'results_' || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD') $$;

-- The days of which there are partitions, oldest first.
CREATE FUNCTION results_days() RETURNS TABLE (day bigint) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
    SELECT (extract(epoch FROM to_date(right(c.relname, 8), 'YYYYMMDD')) / 86400)::bigint
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'mailprobe.results'::regclass AND c.relname ~ '^results_[0-9]{8}$' ORDER BY 1 $$;

-- Makes the daily partitions from yesterday to `days_ahead` days ahead, and of whatever other day before that rows lie
-- in the DEFAULT partition; answers how many were missing. Those rows are moved into theirs. What belongs to days that
-- are gone goes. Nobody waits behind our lock for long: who cannot have it at once comes again.
CREATE OR REPLACE FUNCTION ensure_result_partitions(days_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    day_ms CONSTANT bigint := 86400000;
    today CONSTANT bigint := clock_ms() / 86400000;
    kept_since CONSTANT bigint := (SELECT since_at FROM results_kept);
    day bigint;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('mailprobe.results.partitions'));
    SET LOCAL lock_timeout = '1s';
    DELETE FROM results_default WHERE slot_at < kept_since;
    FOR day IN SELECT generate_series(today - 1, today + days_ahead)
               UNION SELECT DISTINCT slot_at / 86400000 FROM results_default
                     WHERE slot_at < (today + days_ahead + 1) * 86400000
               ORDER BY 1 LOOP
        partition := results_partition(day);
        CONTINUE WHEN to_regclass('mailprobe.' || partition) IS NOT NULL OR day * day_ms < kept_since;
        EXECUTE format('CREATE TABLE %I (LIKE results INCLUDING ALL)', partition);
        EXECUTE format(
            'WITH moved AS (DELETE FROM results_default WHERE slot_at >= %s AND slot_at < %s RETURNING *)
             INSERT INTO %I SELECT * FROM moved', day * day_ms, (day + 1) * day_ms, partition);
        EXECUTE format(
            'ALTER TABLE results ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            partition, day * day_ms, (day + 1) * day_ms);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Drops the oldest day that is older than `kept_days`; answers with its partition, or null where none is to go. A day
-- goes only when all its hours are added up, those noted to be added up anew among them. Rows in the DEFAULT partition
-- go with it.
CREATE FUNCTION drop_result_partition(kept_days integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    day_ms CONSTANT bigint := 86400000;
    kept_since CONSTANT bigint := (clock_ms() / 86400000 - greatest(kept_days, 2)) * 86400000;
    oldest bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('mailprobe.results.partitions'));
    SET LOCAL lock_timeout = '1s';
    SELECT min(d.day) INTO oldest FROM results_days() AS d;
    IF oldest IS NULL OR oldest * day_ms >= kept_since
       OR (SELECT hours_until FROM rollup_progress) < (oldest + 1) * day_ms
       OR EXISTS (SELECT FROM rollups_due u WHERE u.starts_at >= oldest * day_ms AND u.starts_at < (oldest + 1) * day_ms)
    THEN
        RETURN NULL;
    END IF;
    -- Not CONCURRENTLY: that is refused while there is a DEFAULT partition.
    EXECUTE format('ALTER TABLE results DETACH PARTITION %I', results_partition(oldest));
    EXECUTE format('DROP TABLE %I', results_partition(oldest));
    UPDATE results_kept SET since_at = greatest(since_at, (oldest + 1) * day_ms);
    DELETE FROM results_default WHERE slot_at < (oldest + 1) * day_ms;
    RETURN results_partition(oldest);
END $$;

-- How many results lie where none should: a day was missing when they came.
CREATE FUNCTION results_out_of_place() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$ SELECT count(*) FROM results_default $$;

REVOKE ALL ON FUNCTION results_days(), drop_result_partition(integer), results_out_of_place() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION results_days(), drop_result_partition(integer), results_out_of_place() TO mailprobe_pipeline;

-- Sessions that ran out, browsers not used for half a year, links nobody opened, windows removed long ago: of every
-- organization, also of those that ask nothing any more. At most so many of each; how many went.
CREATE FUNCTION forget_past_of_people(history_days integer, most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    gone integer;
    total integer := 0;
BEGIN
    -- Nobody does this: what they are signed out of has run out.
    PERFORM set_config('mailprobe.actor', '', true);
    DELETE FROM user_sessions WHERE id IN (
        SELECT id FROM user_sessions WHERE expires_at < now() - interval '1 day' LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
    DELETE FROM user_devices WHERE id IN (
        SELECT id FROM user_devices WHERE last_used_at < now() - interval '180 days' LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
    DELETE FROM user_links WHERE id IN (
        SELECT id FROM user_links WHERE expires_at < now() - interval '1 day' LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
    DELETE FROM sign_in_attempts WHERE key IN (
        SELECT key FROM sign_in_attempts WHERE ends_at < now() - interval '1 day' LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
    DELETE FROM maintenance_windows WHERE id IN (
        SELECT w.id FROM maintenance_windows w
        WHERE w.deleted_at < now() - make_interval(days => greatest(history_days, 400))
          AND NOT EXISTS (SELECT FROM maintenance_occurrences o WHERE o.window_id = w.id)
        LIMIT most FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
    RETURN total;
END $$;
REVOKE ALL ON FUNCTION forget_past_of_people(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_past_of_people(integer, integer) TO mailprobe_gateway;
-- What that function's owner may take away, whom row-level security binds as well; seeing comes with SELECT policies.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['user_sessions', 'user_devices', 'user_links', 'maintenance_windows'] LOOP
        EXECUTE format('CREATE POLICY of_owner_gone ON %I FOR DELETE TO %I USING (true)', name, CURRENT_USER);
        EXECUTE format('CREATE POLICY of_owner_held ON %I FOR UPDATE TO %I USING (true)', name, CURRENT_USER);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['maintenance_occurrences', 'maintenance_targets'] LOOP
        EXECUTE format('CREATE POLICY of_owner ON %I FOR ALL TO %I USING (true)', name, CURRENT_USER);
    END LOOP;
END $$;

-- How long checks that passed took, in steps of 5 %: step k holds what is above 0.1 ms * 1.05^(k-1), up to 1.05 times
-- that. So a percentile taken from steps is within 2.5 % of the check's own value.
CREATE FUNCTION timing_step(total_ms double precision) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT greatest(0, ceil(ln(greatest(total_ms, 0.1) / 0.1) / ln(1.05::double precision)))::smallint $$;

-- Two arrays side by side, steps ascending and how many checks each. Empty in hours added up before this release.
ALTER TABLE rollups ADD COLUMN timing_steps smallint[] NOT NULL DEFAULT '{}';
ALTER TABLE rollups ADD COLUMN timing_counts integer[] NOT NULL DEFAULT '{}';

-- How long the checks took that `roll_up` counts as passed, by bucket.
CREATE FUNCTION roll_up_timings(monitor_ids bigint[], from_ms bigint, until_ms bigint, bucket_ms bigint)
    RETURNS TABLE (monitor_id bigint, starts_at bigint, timing_steps smallint[], timing_counts integer[])
    LANGUAGE sql STABLE AS $$
    SELECT s.monitor_id, s.starts_at, array_agg(s.step ORDER BY s.step), array_agg(s.times ORDER BY s.step)
    FROM (SELECT r.monitor_id, from_ms + (r.slot_at - from_ms) / bucket_ms * bucket_ms AS starts_at,
                 timing_step(r.total_ms) AS step, count(*)::integer AS times
          FROM results r
          WHERE r.monitor_id = ANY (monitor_ids) AND r.slot_at >= from_ms AND r.slot_at < until_ms
            AND r.passed AND check_counts(r.outcome, r.phase, r.withheld)
          GROUP BY 1, 2, 3) AS s
    GROUP BY 1, 2 $$;
GRANT EXECUTE ON FUNCTION timing_step(double precision), roll_up_timings(bigint[], bigint, bigint, bigint)
    TO mailprobe_gateway, mailprobe_pipeline;
