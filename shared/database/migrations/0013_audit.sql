-- Who did what, when, from where. Written by triggers in the transaction of the change itself; nobody adds to it
-- otherwise, and nobody changes it or takes from it what is younger than thirty days.

CREATE TABLE audit_log (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL DEFAULT clock_timestamp(),
    organization_id bigint NOT NULL,
    actor_kind      text NOT NULL,  -- token, user, operator (by the command), mailprobe (by itself)
    actor_id        bigint,
    actor_name      text,
    address         text,
    request_id      text,
    action          text NOT NULL,  -- created, changed, deleted, signed_in, …: a past participle
    object_kind     text NOT NULL,
    object_id       text,           -- its public id, where it has one
    object_name     text,
    customer_id     bigint,
    changes         jsonb NOT NULL DEFAULT '{}'  -- by field: {"old": …, "new": …}, secrets masked
);
CREATE INDEX audit_log_of_organization ON audit_log (organization_id, id DESC);
CREATE INDEX audit_log_of_object ON audit_log (object_id, id DESC);
CREATE INDEX audit_log_by_age ON audit_log (at);

GRANT SELECT ON audit_log TO mailprobe_gateway;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY of_organization ON audit_log FOR SELECT TO mailprobe_gateway
    USING (organization_id = current_organization());
CREATE POLICY of_backup ON audit_log FOR SELECT TO mailprobe_backup USING (true);
-- The owner too adds only, by the functions below, and forgets only what is old.
DO $$
BEGIN
    EXECUTE format('CREATE POLICY of_owner ON audit_log FOR INSERT TO %I WITH CHECK (true)', CURRENT_USER);
    EXECUTE format('CREATE POLICY of_owner_old ON audit_log FOR SELECT TO %I USING (at < now() - interval ''30 days'')',
        CURRENT_USER);
    EXECUTE format('CREATE POLICY of_owner_gone ON audit_log FOR DELETE TO %I USING (at < now() - interval ''30 days'')',
        CURRENT_USER);
END $$;

-- Policies stop nobody who bypasses them; this does.
CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days' THEN
        RETURN OLD;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'the audit log is not changed, and kept for thirty days at least';
END $$;
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_stays();
CREATE TRIGGER audit_log_stays_whole BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- A value as it may be shown: secrets by their name, credentials in addresses, and no text without end.
CREATE FUNCTION audit_masked(field text, value jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE
    SET search_path = mailprobe, pg_temp AS $$
BEGIN
    IF value IS NULL OR value = 'null' THEN
        RETURN 'null';
    ELSIF field ~* '(passw|passphrase|secret|credential|private.?key|api.?key|authori[sz]ation$|cookie|_hash$|^sealed_|^token$|.token$)'
          AND field <> 'secret_names' THEN
        RETURN '"********"';
    END IF;
    CASE jsonb_typeof(value)
        WHEN 'object' THEN
            RETURN (SELECT coalesce(jsonb_object_agg(each.key, audit_masked(each.key, each.value)), '{}')
                    FROM jsonb_each(value) AS each);
        WHEN 'array' THEN
            RETURN (SELECT coalesce(jsonb_agg(audit_masked('', each)), '[]') FROM jsonb_array_elements(value) AS each);
        WHEN 'string' THEN
            RETURN to_jsonb(left(regexp_replace(value #>> '{}', '://[^/@[:space:]]+@', '://********@', 'g'), 1000));
        ELSE
            RETURN value;
    END CASE;
END $$;

-- A row by its fields; those of a JSON column one by one, as config.mailbox.
CREATE FUNCTION audit_fields(kept jsonb) RETURNS TABLE (field text, value jsonb) LANGUAGE sql IMMUTABLE
    SET search_path = mailprobe, pg_temp AS $$
    SELECT CASE WHEN inner_one.key IS NULL THEN outer_one.key ELSE outer_one.key || '.' || inner_one.key END,
           coalesce(inner_one.value, outer_one.value)
    FROM jsonb_each(kept) AS outer_one
    LEFT JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(outer_one.value) = 'object' THEN outer_one.value ELSE '{}' END)
        AS inner_one ON true
    WHERE NOT (jsonb_typeof(outer_one.value) = 'object' AND inner_one.key IS NULL) $$;

-- What differs between two rows, masked; fields that say nothing to people are left out.
CREATE FUNCTION audit_difference(was jsonb, became jsonb, ignored text[]) RETURNS jsonb LANGUAGE sql IMMUTABLE
    SET search_path = mailprobe, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(field, jsonb_build_object(
        'old', audit_masked(last_part, o.value), 'new', audit_masked(last_part, n.value))), '{}')
    FROM audit_fields(coalesce(was, '{}')) AS o FULL JOIN audit_fields(coalesce(became, '{}')) AS n USING (field)
    CROSS JOIN LATERAL (SELECT split_part(field, '.', 1) AS first_part,
                               substr(field, strpos(field, '.') + 1) AS last_part) AS parts
    WHERE coalesce(o.value, 'null') IS DISTINCT FROM coalesce(n.value, 'null') AND NOT first_part = ANY (ignored) $$;

-- The one place that writes. The actor is the transaction's: a JSON object of kind, id, name, address, requestId.
CREATE FUNCTION audit(organization bigint, done text, kind text, id text, name text, customer bigint, what jsonb,
                      actor jsonb DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    who jsonb := coalesce(actor, nullif(current_setting('mailprobe.actor', true), '')::jsonb,
                          '{"kind": "mailprobe"}');
BEGIN
    INSERT INTO audit_log (organization_id, actor_kind, actor_id, actor_name, address, request_id, action,
                           object_kind, object_id, object_name, customer_id, changes)
    VALUES (organization, coalesce(who ->> 'kind', 'mailprobe'), (who ->> 'id')::bigint, who ->> 'name',
            who ->> 'address', who ->> 'requestId', done, kind, id, left(name, 300), customer, what);
END $$;
REVOKE ALL ON FUNCTION audit(bigint, text, text, text, text, bigint, jsonb, jsonb) FROM PUBLIC;

-- A row that people describe. Arguments: what it is called, and columns beside the usual that tell nothing.
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    became jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    row_now jsonb := coalesce(became, was);
    done text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END;
    ignored text[] := ARRAY['id', 'public_id', 'organization_id', 'created_at', 'updated_at', 'revision',
                            'credential_id'] || string_to_array(coalesce(TG_ARGV[1], ''), ',');
    difference jsonb;
BEGIN
    difference := audit_difference(was, became, ignored);
    IF TG_OP = 'UPDATE' AND row_now ->> 'deleted_at' IS NOT NULL THEN
        done := 'deleted';
    ELSIF TG_OP = 'UPDATE' AND difference = '{}' THEN
        RETURN NULL;
    END IF;
    PERFORM audit(
        (CASE WHEN TG_ARGV[0] = 'organization' THEN row_now ->> 'id' ELSE row_now ->> 'organization_id' END)::bigint,
        done, TG_ARGV[0], coalesce(row_now ->> 'public_id', row_now ->> 'package_type'),
        coalesce(row_now ->> 'name', row_now ->> 'display_name', row_now ->> 'package_type'),
        (CASE WHEN TG_ARGV[0] = 'customer' THEN row_now ->> 'id' ELSE row_now ->> 'customer_id' END)::bigint,
        difference);
    RETURN NULL;
END $$;

CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION audit_change('organization');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON customers
    FOR EACH ROW EXECUTE FUNCTION audit_change('customer');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON monitors
    FOR EACH ROW EXECUTE FUNCTION audit_change('monitor');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON tags FOR EACH ROW EXECUTE FUNCTION audit_change('tag');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON package_configs
    FOR EACH ROW EXECUTE FUNCTION audit_change('package_config', 'package_type');
-- Not each use of a token, and not each sign-in a second time.
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON tokens
    FOR EACH ROW EXECUTE FUNCTION audit_change('token', 'last_used_at');
CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION audit_change('user', 'last_sign_in_at');
-- Not how a channel fares, which the notifier keeps with it.
CREATE TRIGGER audited AFTER INSERT OR DELETE OR UPDATE OF customer_id, name, type, config, sealed_secrets,
    secret_names, priority, delay_seconds, conditions, is_active, fallback_channel_id ON notification_channels
    FOR EACH ROW EXECUTE FUNCTION audit_change('notification_channel', 'last_sent_at,failures,last_error,resting_until');
-- A window that is made as a removed one is the past of another.
CREATE TRIGGER audited_new AFTER INSERT ON maintenance_windows FOR EACH ROW WHEN (NEW.deleted_at IS NULL)
    EXECUTE FUNCTION audit_change('maintenance_window', 'deleted_at');
CREATE TRIGGER audited AFTER UPDATE OR DELETE ON maintenance_windows FOR EACH ROW WHEN (OLD.deleted_at IS NULL)
    EXECUTE FUNCTION audit_change('maintenance_window', 'deleted_at');

-- Which monitors a window is for, and which tags a monitor carries: changes of the window and of the monitor.
CREATE FUNCTION audit_targets() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
DECLARE
    side text := CASE TG_OP WHEN 'INSERT' THEN 'new' ELSE 'old' END;
    one record;
BEGIN
    FOR one IN
        SELECT w.organization_id, w.public_id, w.name, w.customer_id,
               jsonb_agg(coalesce(m.name, t.name) ORDER BY coalesce(m.name, t.name)) AS names
        FROM touched
        JOIN maintenance_windows w ON w.id = touched.window_id AND w.deleted_at IS NULL
        LEFT JOIN monitors m ON m.id = touched.monitor_id LEFT JOIN tags t ON t.id = touched.tag_id
        WHERE coalesce(m.name, t.name) IS NOT NULL
        GROUP BY w.id
    LOOP
        PERFORM audit(one.organization_id, 'changed', 'maintenance_window', one.public_id::text, one.name,
            one.customer_id, jsonb_build_object('targets', jsonb_build_object(side, one.names)));
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER audited_new AFTER INSERT ON maintenance_targets REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_targets();
CREATE TRIGGER audited_gone AFTER DELETE ON maintenance_targets REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_targets();

CREATE FUNCTION audit_tags() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
DECLARE
    side text := CASE TG_OP WHEN 'INSERT' THEN 'new' ELSE 'old' END;
    one record;
BEGIN
    FOR one IN
        SELECT m.organization_id, m.public_id, m.name, m.customer_id, jsonb_agg(t.name ORDER BY t.name) AS names
        FROM touched JOIN monitors m ON m.id = touched.monitor_id JOIN tags t ON t.id = touched.tag_id GROUP BY m.id
    LOOP
        PERFORM audit(one.organization_id, 'changed', 'monitor', one.public_id::text, one.name, one.customer_id,
            jsonb_build_object('tags', jsonb_build_object(side, one.names)));
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER audited_new AFTER INSERT ON monitor_tags REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_tags();
CREATE TRIGGER audited_gone AFTER DELETE ON monitor_tags REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION audit_tags();

-- What people do about an incident: acknowledged, snoozed, a note.
CREATE FUNCTION audit_incident() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
BEGIN
    PERFORM audit(i.organization_id, CASE NEW.kind WHEN 'note' THEN 'annotated' ELSE NEW.kind END, 'incident',
        i.public_id::text, i.monitor_name, i.customer_id,
        CASE WHEN NEW.text IS NULL THEN '{}'
             ELSE jsonb_build_object('text', jsonb_build_object('new', left(NEW.text, 1000))) END)
    FROM incidents i WHERE i.id = NEW.incident_id;
    RETURN NULL;
END $$;
CREATE TRIGGER audited AFTER INSERT ON incident_events FOR EACH ROW WHEN (NEW.actor IS NOT NULL)
    EXECUTE FUNCTION audit_incident();

-- A check that somebody asked for, once however many locations make it; and one of a mailbox that is not stored.
CREATE FUNCTION audit_asked_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
DECLARE
    this text := NEW.kind || ' ' || NEW.monitor_public_id::text;
BEGIN
    IF current_setting('mailprobe.audited_check', true) = this THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('mailprobe.audited_check', this, true);
    IF NEW.kind = 'test' THEN
        PERFORM audit(NEW.organization_id, 'tested', 'monitor', NULL, NEW.target ->> 'hostname', NULL, '{}');
    ELSE
        PERFORM audit(m.organization_id, 'checked', 'monitor', m.public_id::text, m.name, m.customer_id, '{}')
        FROM monitors m WHERE m.id = NEW.monitor_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audited AFTER INSERT ON check_requests FOR EACH ROW WHEN (NEW.kind IN ('trigger', 'test'))
    EXECUTE FUNCTION audit_asked_check();

-- A session begins with a sign-in, whoever the transaction says it acts for: nobody, then.
CREATE FUNCTION audit_session() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
DECLARE
    session user_sessions := CASE WHEN TG_OP = 'INSERT' THEN NEW ELSE OLD END;
    acting jsonb := nullif(current_setting('mailprobe.actor', true), '')::jsonb;
BEGIN
    PERFORM audit(u.organization_id, CASE TG_OP WHEN 'INSERT' THEN 'signed_in' ELSE 'signed_out' END, 'user',
        u.public_id::text, u.name, NULL, '{}',
        CASE WHEN TG_OP = 'INSERT' THEN jsonb_build_object('kind', 'user', 'id', u.id, 'name', u.name,
            'address', session.address, 'requestId', acting ->> 'requestId') END)
    FROM users u WHERE u.id = session.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER audited_new AFTER INSERT ON user_sessions FOR EACH ROW EXECUTE FUNCTION audit_session();
-- Not those that merely ran out: nobody did that.
CREATE TRIGGER audited_gone AFTER DELETE ON user_sessions FOR EACH ROW
    WHEN (nullif(current_setting('mailprobe.actor', true), '') IS NOT NULL) EXECUTE FUNCTION audit_session();

-- A way to a new password, or in at all, was handed out.
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = mailprobe, pg_temp AS $$
BEGIN
    PERFORM audit(u.organization_id, CASE NEW.purpose WHEN 'reset' THEN 'given_reset_link' ELSE 'invited' END, 'user',
        u.public_id::text, u.name, NULL, '{}')
    FROM users u WHERE u.id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER audited AFTER INSERT ON user_links FOR EACH ROW WHEN (NEW.user_id IS NOT NULL)
    EXECUTE FUNCTION audit_link();

-- A sign-in that was refused leaves no row of its own. Thirty an hour of one person are enough to see that somebody
-- guesses, and an end to what a guesser can write.
CREATE FUNCTION audit_refused_sign_in(who bigint, address text, request_id text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    person users;
    kept integer;
BEGIN
    SELECT * INTO person FROM users u WHERE u.id = who;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO audit_refusals AS r (user_id, organization_id, hour, count)
    VALUES (person.id, person.organization_id, date_trunc('hour', now()), 1)
    ON CONFLICT (user_id) DO UPDATE
    SET count = CASE WHEN r.hour = excluded.hour THEN r.count + 1 ELSE 1 END, hour = excluded.hour
    RETURNING count INTO kept;
    IF kept <= 30 THEN
        PERFORM audit(person.organization_id, 'refused_sign_in', 'user', person.public_id::text, person.name, NULL,
            '{}', jsonb_build_object('kind', 'anybody', 'address', address, 'requestId', request_id));
    END IF;
END $$;
REVOKE ALL ON FUNCTION audit_refused_sign_in(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_refused_sign_in(bigint, text, text) TO mailprobe_gateway;

-- How often each person's sign-in was refused in the newest hour that any was.
CREATE TABLE audit_refusals (
    user_id         bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    organization_id bigint NOT NULL,
    hour            timestamptz NOT NULL,
    count           integer NOT NULL
);
ALTER TABLE audit_refusals ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_refusals FORCE ROW LEVEL SECURITY;
CREATE POLICY of_backup ON audit_refusals FOR SELECT TO mailprobe_backup USING (true);

-- What is older than so many days (thirty at least), a thousand rows at a time; how many went.
CREATE FUNCTION forget_audit(kept_days integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = mailprobe, pg_temp AS $$
DECLARE
    gone integer;
BEGIN
    DELETE FROM audit_log WHERE id IN (
        SELECT a.id FROM audit_log a WHERE a.at < now() - make_interval(days => greatest(kept_days, 31))
        ORDER BY a.at LIMIT 1000);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION forget_audit(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_audit(integer) TO mailprobe_gateway;

-- What the functions above look at, whoever makes the change: their owner, whom row-level security binds as well.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['monitors', 'tags', 'maintenance_windows', 'incidents'] LOOP
        EXECUTE format('CREATE POLICY of_owner ON %I FOR SELECT TO %I USING (true)', name, CURRENT_USER);
    END LOOP;
    EXECUTE format('CREATE POLICY of_owner ON audit_refusals FOR ALL TO %I USING (true) WITH CHECK (true)',
        CURRENT_USER);
END $$;
