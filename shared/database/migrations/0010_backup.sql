-- Who may read everything, to back it up, and change nothing. Row-level security is forced on the tables' owner too, so
-- without a role of its own a backup would hold what the owner sees: next to nothing, and say so nowhere.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailprobe_backup') THEN
        CREATE ROLE mailprobe_backup NOLOGIN NOBYPASSRLS;
        GRANT mailprobe_backup TO CURRENT_USER;
    ELSIF NOT pg_has_role(CURRENT_USER, 'mailprobe_backup', 'MEMBER') THEN
        GRANT mailprobe_backup TO CURRENT_USER;
    END IF;
    GRANT USAGE ON SCHEMA mailprobe TO mailprobe_backup;
    GRANT SELECT ON ALL TABLES IN SCHEMA mailprobe TO mailprobe_backup;
    GRANT SELECT ON ALL SEQUENCES IN SCHEMA mailprobe TO mailprobe_backup;
    -- Tables to come, the partitions of each day among them.
    ALTER DEFAULT PRIVILEGES IN SCHEMA mailprobe GRANT SELECT ON TABLES TO mailprobe_backup;
    ALTER DEFAULT PRIVILEGES IN SCHEMA mailprobe GRANT SELECT ON SEQUENCES TO mailprobe_backup;
END $$;

-- Every table whose rows are hidden needs this; `mailprobe backup` refuses to work while one lacks it.
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'mailprobe'::regnamespace AND c.relrowsecurity LOOP
        EXECUTE format('CREATE POLICY of_backup ON %I FOR SELECT TO mailprobe_backup USING (true)', name);
    END LOOP;
END $$;
