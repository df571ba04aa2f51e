-- Who manages what: monitors, channels, windows and tags that come from configuration files carry the name of the
-- manager that made them, and the key they have there. Null: made by hand. Only the gateway goes by it.

DO $$
DECLARE managed text;
BEGIN
    FOREACH managed IN ARRAY ARRAY['monitors', 'notification_channels', 'maintenance_windows', 'tags'] LOOP
        EXECUTE format('ALTER TABLE %I
            ADD COLUMN managed_by text CHECK (length(managed_by) BETWEEN 1 AND 100),
            ADD COLUMN external_key text CHECK (length(external_key) BETWEEN 1 AND 200),
            ADD CHECK (external_key IS NULL OR managed_by IS NOT NULL)', managed);
    END LOOP;
END $$;

-- One key of one manager is one thing. A removed window stays for history's sake, and leaves its key to another.
CREATE UNIQUE INDEX monitors_by_key ON monitors (organization_id, managed_by, external_key)
    WHERE external_key IS NOT NULL;
CREATE UNIQUE INDEX notification_channels_by_key ON notification_channels (organization_id, managed_by, external_key)
    WHERE external_key IS NOT NULL;
CREATE UNIQUE INDEX maintenance_windows_by_key ON maintenance_windows (organization_id, managed_by, external_key)
    WHERE external_key IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX tags_by_key ON tags (organization_id, managed_by, external_key) WHERE external_key IS NOT NULL;

-- Of channels the gateway may write what it describes, column by column; how it goes with them is the notifier's.
GRANT UPDATE (managed_by, external_key) ON notification_channels TO mailprobe_gateway;
