-- Partitions of results: made ahead, by whoever runs the pipeline. DDL needs the owner, hence SECURITY DEFINER.

-- Makes the daily partitions from one day ago to `days_ahead` days ahead; answers how many were missing.
-- Rows that fell into the DEFAULT partition meanwhile are moved into theirs.
CREATE FUNCTION ensure_result_partitions(days_ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    day_ms CONSTANT bigint := 86400000;
    first_day bigint := clock_ms() / 86400000 - 1;
    day bigint;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('mailprobe.results.partitions'));
    SET LOCAL lock_timeout = '5s';
    FOR day IN SELECT generate_series(first_day, first_day + 1 + days_ahead) LOOP
        partition := 'results_' || to_char(to_timestamp(day * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD');
        CONTINUE WHEN to_regclass('mailprobe.' || partition) IS NOT NULL;
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

SELECT ensure_result_partitions(7);
