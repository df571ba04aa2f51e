-- Services may have logins of their own instead of the owner's (`mailprobe migrate --logins`). At their start, before
-- they act as their role, they look whether the database is of their version.
GRANT SELECT ON schema_migrations TO mailprobe_gateway, mailprobe_pipeline, mailprobe_notifier;
