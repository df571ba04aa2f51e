-- Who may do what, and the second wall between organizations: row-level security, forced on the owner too.

GRANT EXECUTE ON FUNCTION clock_ms(), current_organization() TO mailprobe_gateway, mailprobe_pipeline;
REVOKE ALL ON FUNCTION ensure_result_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_result_partitions(integer) TO mailprobe_pipeline;

-- The gateway describes; it reads what became of it.
GRANT SELECT, UPDATE ON organizations TO mailprobe_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON customers, tokens, monitors TO mailprobe_gateway;
GRANT SELECT ON locations, location_workers TO mailprobe_gateway;
GRANT SELECT ON results, missed, location_health, monitor_health TO mailprobe_gateway;
GRANT SELECT, INSERT ON check_requests TO mailprobe_gateway;

-- The pipeline reads standing orders and keeps everything below them.
GRANT SELECT ON organizations, customers, monitors TO mailprobe_pipeline;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    locations, location_workers, schedule, schedule_retired, shard_leases, check_requests, results, missed,
    location_health, monitor_health, login_history, login_credentials, login_grants TO mailprobe_pipeline;

DO $$
DECLARE name text;
BEGIN
    -- A tenant's rows: the gateway sees those of the organization its transaction acts for.
    FOREACH name IN ARRAY ARRAY['customers', 'tokens', 'monitors', 'check_requests', 'results', 'missed',
                                'location_health', 'monitor_health'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_organization ON %I FOR ALL TO mailprobe_gateway
            USING (organization_id = current_organization())
            WITH CHECK (organization_id = current_organization())', name);
    END LOOP;
    -- The pipeline serves every organization.
    FOREACH name IN ARRAY ARRAY['customers', 'monitors', 'check_requests', 'results', 'missed', 'location_health',
                                'monitor_health', 'schedule', 'schedule_retired', 'login_history',
                                'login_credentials'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY of_pipeline ON %I FOR ALL TO mailprobe_pipeline USING (true) WITH CHECK (true)',
            name);
    END LOOP;
END $$;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY of_organization ON organizations FOR ALL TO mailprobe_gateway
    USING (id = current_organization()) WITH CHECK (id = current_organization());
CREATE POLICY of_pipeline ON organizations FOR SELECT TO mailprobe_pipeline USING (true);

-- A bearer token is looked up before its organization is known. The function's owner is no superuser and the table's
-- security is forced on it, so it needs a policy of its own.
-- The same holds for what login_busy_until looks at.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tokens', 'results', 'login_history', 'check_requests'] LOOP
        EXECUTE format('CREATE POLICY of_owner ON %I FOR SELECT TO %I USING (true)', name, CURRENT_USER);
    END LOOP;
END $$;

CREATE FUNCTION find_token(hash bytea)
    RETURNS TABLE (id bigint, organization_id bigint, customer_id bigint, role text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ SELECT t.id, t.organization_id, t.customer_id, t.role, t.expires_at FROM tokens t WHERE t.token_hash = hash $$;

-- Until when another login to this account is under way, for the answer to somebody who asks for one; 0: free.
CREATE FUNCTION login_busy_until(wanted_host text, wanted_user text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ SELECT coalesce(max(g.expires_at), 0) FROM login_grants g
          WHERE g.host = wanted_host AND g.user_name = wanted_user AND g.expires_at > clock_ms()
            AND NOT EXISTS (SELECT FROM results r WHERE r.check_id = g.check_id AND r.slot_at = g.slot_at)
            AND NOT EXISTS (SELECT FROM login_history h WHERE h.check_id = g.check_id)
            AND NOT EXISTS (SELECT FROM check_requests q WHERE q.check_id = g.check_id AND q.state = 'finished') $$;

REVOKE ALL ON FUNCTION find_token(bytea), login_busy_until(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_token(bytea), login_busy_until(text, text) TO mailprobe_gateway;
