-- What the notifier needs beside: whom a message is for, what it says that no incident does, when its content was fixed.

-- Whom it is for, as one text: a channel, or a monitor's own address. A channel deleted meanwhile leaves nobody.
ALTER TABLE deliveries ADD COLUMN target text GENERATED ALWAYS AS (
    CASE WHEN channel_id IS NOT NULL THEN 'channel ' || channel_id::text
         WHEN address IS NOT NULL THEN 'address ' || organization_id::text || ' ' || address END) STORED;
ALTER TABLE deliveries ADD COLUMN facts jsonb NOT NULL DEFAULT '{}';  -- of a certificate, and of what flaps
ALTER TABLE deliveries ADD COLUMN told_at bigint;  -- when its content was fixed: from then on it counts as said
ALTER TABLE deliveries ADD COLUMN incidents integer NOT NULL DEFAULT 0;  -- how many it spoke of as open
ALTER TABLE deliveries ADD COLUMN fallback_for bigint UNIQUE REFERENCES deliveries;  -- told there, as it was not here
CREATE INDEX deliveries_of_target ON deliveries (target, told_at) WHERE told_at IS NOT NULL;
CREATE INDEX deliveries_of_target_all ON deliveries (target, id);
CREATE INDEX deliveries_gathering ON deliveries (due_at) WHERE state = 'pending' AND told_at IS NULL;
CREATE INDEX deliveries_to_send ON deliveries (target, due_at) WHERE state = 'pending' AND told_at IS NOT NULL;
CREATE INDEX deliveries_told_with ON deliveries (sent_with) WHERE sent_with IS NOT NULL;

-- Customers with monitors that check and alert, and nobody to hear of it: no active channel of theirs or of the
-- organization, and no address of the monitor's own.
CREATE VIEW customers_nobody_is_told_of WITH (security_invoker = true) AS
    SELECT m.organization_id, m.customer_id, count(*)::integer AS monitors
    FROM monitors m
    WHERE m.status = 'active'
      AND nullif(m.notification_email, '') IS NULL
      AND NOT EXISTS (SELECT FROM notification_channels c
                      WHERE c.organization_id = m.organization_id AND c.is_active
                        AND (c.customer_id IS NULL OR c.customer_id = m.customer_id))
    GROUP BY m.organization_id, m.customer_id;
GRANT SELECT ON customers_nobody_is_told_of TO mailprobe_gateway, mailprobe_notifier;
GRANT SELECT ON schema_migrations TO mailprobe_notifier;
