-- Getting started: whether a monitor has ever passed, who made it, and whether they were told that it does not pass.

-- When it passed first; 0: before this was written down. (The default is for the rows there are.)
ALTER TABLE monitor_health ADD COLUMN first_passed_at bigint DEFAULT 0;
ALTER TABLE monitor_health ALTER COLUMN first_passed_at DROP DEFAULT;
-- The revision whose maker was told that it fails and has never passed.
ALTER TABLE monitor_health ADD COLUMN maker_told_revision bigint;

-- The user, or the token, in whose name this transaction acts; null: somebody of another kind.
CREATE FUNCTION acting(kind text) RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT CASE WHEN actor ->> 'kind' = kind THEN (actor ->> 'id')::bigint END
          FROM (SELECT nullif(current_setting('mailprobe.actor', true), '')::jsonb AS actor) AS said $$;

-- No foreign keys: that somebody is gone is no reason to keep, or to lose, what they made.
ALTER TABLE monitors ADD COLUMN made_by_user bigint, ADD COLUMN made_by_token bigint;
ALTER TABLE monitors ALTER COLUMN made_by_user SET DEFAULT acting('user'),
                     ALTER COLUMN made_by_token SET DEFAULT acting('token');
ALTER TABLE tokens ADD COLUMN made_by_user bigint;
ALTER TABLE tokens ALTER COLUMN made_by_user SET DEFAULT acting('user');

-- Who made a monitor, by themselves or by a token of theirs, and can be written to.
CREATE VIEW monitor_makers WITH (security_invoker = true) AS
    SELECT m.id AS monitor_id, u.email
    FROM monitors m LEFT JOIN tokens t ON t.id = m.made_by_token
    JOIN users u ON u.id = coalesce(m.made_by_user, t.made_by_user)
    WHERE NOT u.disabled;

GRANT SELECT (id, email, disabled) ON users TO mailprobe_notifier;
GRANT SELECT (id, made_by_user) ON tokens TO mailprobe_notifier;
GRANT SELECT ON monitor_makers TO mailprobe_notifier;
CREATE POLICY of_notifier ON users FOR SELECT TO mailprobe_notifier USING (true);
CREATE POLICY of_notifier ON tokens FOR SELECT TO mailprobe_notifier USING (true);
