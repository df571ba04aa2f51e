-- How mailprobe itself is doing, for whoever runs it; and tags, told of like every other change of a monitor.

-- Numbers of the whole installation, of which the gateway's role may see no row: its owner looks at them instead.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['schedule', 'outbox', 'deliveries'] LOOP
        EXECUTE format('CREATE POLICY of_owner ON %I FOR SELECT TO %I USING (true)', name, CURRENT_USER);
    END LOOP;
END $$;

-- Slots are claimed before they are due, whether or not somebody is there to make the check: one that is due and not
-- claimed says that no scheduler claims. In a moment's disorder one may be late; then it is so for a second or two.
CREATE FUNCTION schedule_standing()
    RETURNS TABLE (scheduled bigint, late bigint, oldest_due_at bigint, holder text, since_at bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ SELECT s.scheduled, s.late, s.oldest_due_at, l.holder, nullif(l.taken_at, 0)
          FROM (SELECT count(*) AS scheduled,
                       count(*) FILTER (WHERE last_slot + interval_ms < clock_ms()) AS late,
                       min(last_slot + interval_ms) AS oldest_due_at
                FROM schedule WHERE active) AS s
          LEFT JOIN shard_leases l ON l.shard = 0 $$;

-- How long the newest checks of up to `most` monitors waited for a worker to begin, and their results to be stored.
-- Monitors from anywhere in their order on, so that who looks twice has looked at others. Of the last hour alone, by an
-- index and one or two partitions.
CREATE FUNCTION newest_delays(most integer)
    RETURNS TABLE (wait_ms double precision, store_ms double precision)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ WITH beginning AS MATERIALIZED (SELECT floor(random() * max(id))::bigint AS id FROM monitors)
          SELECT r.started_at - r.start_at, r.recorded_at - r.started_at - r.total_ms
          FROM ((SELECT m.id FROM monitors m WHERE m.id >= (SELECT id FROM beginning) ORDER BY m.id LIMIT most)
                UNION ALL
                (SELECT m.id FROM monitors m WHERE m.id < (SELECT id FROM beginning) ORDER BY m.id LIMIT most)
                LIMIT most) AS chosen
          CROSS JOIN LATERAL (
              SELECT r.start_at, r.started_at, r.recorded_at, r.total_ms FROM results r
              WHERE r.monitor_id = chosen.id AND r.slot_at > clock_ms() - 3600000
              ORDER BY r.slot_at DESC LIMIT 1) AS r $$;

-- What is to be told and was not planned, what is due and was not sent, and what nobody could be told since yesterday.
CREATE FUNCTION telling_standing()
    RETURNS TABLE (pending bigint, oldest_at bigint, unsent bigint, unsent_since bigint, failed bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ SELECT o.pending, o.oldest_at, d.unsent, d.unsent_since, f.failed
          FROM (SELECT count(*) AS pending, min(at) AS oldest_at FROM outbox WHERE taken_at IS NULL) AS o,
               (SELECT count(*) AS unsent, min(due_at) AS unsent_since FROM deliveries
                WHERE state = 'pending' AND due_at <= clock_ms()) AS d,
               (SELECT count(*) AS failed FROM deliveries
                WHERE state = 'failed' AND due_at > clock_ms() - 86400000) AS f $$;
CREATE INDEX deliveries_failed ON deliveries (due_at) WHERE state = 'failed';

-- The days results are kept of, each a partition; and whether any fell outside of them.
CREATE FUNCTION results_standing()
    RETURNS TABLE (first_day date, last_day date, days bigint, bytes bigint, astray boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ SELECT min(p.day), max(p.day), count(p.day), sum(pg_total_relation_size(p.oid))::bigint,
                 EXISTS (SELECT FROM results_default)
          FROM (SELECT c.oid, to_date(substring(c.relname FROM '^results_([0-9]{8})$'), 'YYYYMMDD') AS day
                FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'results'::regclass) AS p $$;

REVOKE ALL ON FUNCTION schedule_standing(), newest_delays(integer), telling_standing(), results_standing()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION schedule_standing(), newest_delays(integer), telling_standing(), results_standing()
    TO mailprobe_gateway;
GRANT SELECT ON canaries TO mailprobe_gateway;

-- A monitor that is deleted loses its tags as well: it is there no more, and no change of it is told.
CREATE FUNCTION tell_of_tags() RETURNS trigger LANGUAGE plpgsql SET search_path = mailprobe, pg_temp AS $$
BEGIN
    INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
    SELECT DISTINCT m.organization_id, m.customer_id, m.public_id, 'monitor', '{"change": "changed"}'::jsonb
    FROM touched JOIN monitors m ON m.id = touched.monitor_id;
    RETURN NULL;
END $$;
CREATE TRIGGER events_of_tag AFTER INSERT ON monitor_tags REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_tags();
CREATE TRIGGER events_of_tag_gone AFTER DELETE ON monitor_tags REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_tags();

-- Another name or colour is seen at every monitor that has the tag.
CREATE FUNCTION tell_of_changed_tag() RETURNS trigger LANGUAGE plpgsql SET search_path = mailprobe, pg_temp AS $$
BEGIN
    INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
    SELECT m.organization_id, m.customer_id, m.public_id, 'monitor', '{"change": "changed"}'
    FROM monitor_tags t JOIN monitors m ON m.id = t.monitor_id WHERE t.tag_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER events_of_changed_tag AFTER UPDATE ON tags FOR EACH ROW
    WHEN ((OLD.name, OLD.color) IS DISTINCT FROM (NEW.name, NEW.color)) EXECUTE FUNCTION tell_of_changed_tag();
