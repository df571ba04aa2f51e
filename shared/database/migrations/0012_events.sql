-- What happened, for those who watch: changes of health, incidents and monitors, in the transaction they come from.
-- Written by triggers, so that nobody who changes anything can forget to say so. Kept for two days.

CREATE TABLE events (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid               xid8 NOT NULL DEFAULT pg_current_xact_id(),
    organization_id   bigint NOT NULL,
    customer_id       bigint NOT NULL,  -- whose it was at the time: who may see it
    monitor_public_id uuid NOT NULL,
    kind              text NOT NULL CHECK (kind IN ('health', 'incident', 'monitor')),
    at                bigint NOT NULL DEFAULT clock_ms(),
    payload           jsonb NOT NULL
);
-- Ids are given out before their transactions commit, so that a reader who remembers the newest id skips rows that
-- show up later with a smaller one. A reader remembers a transaction instead, below which none is running any more.
CREATE INDEX events_by_transaction ON events (xid);

GRANT SELECT, INSERT ON events TO mailprobe_gateway;
GRANT SELECT, INSERT, DELETE ON events TO mailprobe_pipeline;
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY of_organization ON events FOR ALL TO mailprobe_gateway
    USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
CREATE POLICY of_pipeline ON events FOR ALL TO mailprobe_pipeline USING (true) WITH CHECK (true);
CREATE POLICY of_backup ON events FOR SELECT TO mailprobe_backup USING (true);
DO $$
BEGIN
    EXECUTE format('CREATE POLICY of_owner ON events FOR INSERT TO %I WITH CHECK (true)', CURRENT_USER);
END $$;

-- Belief changed, or the reason for it. Times and words that every check brings anew are no event.
CREATE FUNCTION tell_of_health() RETURNS trigger LANGUAGE plpgsql SET search_path = mailprobe, pg_temp AS $$
BEGIN
    INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
    SELECT m.organization_id, m.customer_id, m.public_id, 'health', jsonb_build_object(
        'health', NEW.health, 'since', NEW.since, 'message', NEW.message, 'kind', NEW.outcome,
        'lastCheckedAt', NEW.last_checked_at)
    FROM monitors m WHERE m.id = NEW.monitor_id;
    RETURN NULL;
END $$;
CREATE TRIGGER events_of_health AFTER UPDATE ON monitor_health FOR EACH ROW
    WHEN (OLD.health <> NEW.health OR OLD.since <> NEW.since OR OLD.outcome IS DISTINCT FROM NEW.outcome)
    EXECUTE FUNCTION tell_of_health();

CREATE FUNCTION tell_of_incident() RETURNS trigger LANGUAGE plpgsql SET search_path = mailprobe, pg_temp AS $$
BEGIN
    INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
    VALUES (NEW.organization_id, NEW.customer_id, NEW.monitor_public_id, 'incident', jsonb_build_object(
        'publicId', NEW.public_id, 'monitorName', NEW.monitor_name, 'host', NEW.host, 'startedAt', NEW.started_at,
        'openedAt', NEW.opened_at, 'resolvedAt', NEW.resolved_at, 'resolution', NEW.resolution, 'kind', NEW.kind,
        'phase', NEW.phase, 'message', NEW.message, 'quiet', NEW.quiet, 'acknowledgedAt', NEW.acknowledged_at,
        'acknowledgedBy', NEW.acknowledged_by, 'snoozedUntil', NEW.snoozed_until));
    RETURN NULL;
END $$;
CREATE TRIGGER events_of_new_incident AFTER INSERT ON incidents FOR EACH ROW EXECUTE FUNCTION tell_of_incident();
CREATE TRIGGER events_of_incident AFTER UPDATE ON incidents FOR EACH ROW
    WHEN ((OLD.resolved_at, OLD.kind, OLD.phase, OLD.message, OLD.quiet, OLD.acknowledged_at, OLD.snoozed_until)
          IS DISTINCT FROM
          (NEW.resolved_at, NEW.kind, NEW.phase, NEW.message, NEW.quiet, NEW.acknowledged_at, NEW.snoozed_until))
    EXECUTE FUNCTION tell_of_incident();

-- One that goes to another customer is gone for those who may see only the one, and new to those of the other.
CREATE FUNCTION tell_of_monitor() RETURNS trigger LANGUAGE plpgsql SET search_path = mailprobe, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.customer_id <> NEW.customer_id) THEN
        INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
        VALUES (OLD.organization_id, OLD.customer_id, OLD.public_id, 'monitor', '{"change": "deleted"}');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO events (organization_id, customer_id, monitor_public_id, kind, payload)
        VALUES (NEW.organization_id, NEW.customer_id, NEW.public_id, 'monitor', jsonb_build_object('change',
            CASE WHEN TG_OP = 'INSERT' OR OLD.customer_id <> NEW.customer_id THEN 'created' ELSE 'changed' END));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_of_monitor AFTER INSERT OR DELETE ON monitors FOR EACH ROW EXECUTE FUNCTION tell_of_monitor();
-- Not where a password is only sealed anew.
CREATE TRIGGER events_of_changed_monitor AFTER UPDATE OF customer_id, name, hostname, port, protocol, status,
    interval_ms, timeout_seconds, allowed_check_country_codes, notification_email, notification_phone_number, config
    ON monitors FOR EACH ROW EXECUTE FUNCTION tell_of_monitor();
