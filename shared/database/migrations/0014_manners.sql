-- Answers kept under the key a client gave its request (Idempotency-Key), so that the same request sent again gets
-- the same answer and does nothing twice. A mask stands in an answer for whatever is shown only once.

CREATE TABLE kept_answers (
    organization_id bigint NOT NULL REFERENCES organizations,
    actor           text NOT NULL,      -- whose key it is: token:12, user:3
    key_hash        bytea NOT NULL,
    fingerprint     bytea NOT NULL,     -- of method, address and body, by a secret that is not kept
    created_at      timestamptz NOT NULL DEFAULT now(),
    busy_until      timestamptz,        -- it is under way, at the latest until then; null: answered
    status          smallint,
    headers         jsonb,
    body            text,
    PRIMARY KEY (organization_id, actor, key_hash),
    CHECK ((status IS NULL) = (busy_until IS NOT NULL))
);
CREATE INDEX kept_answers_by_age ON kept_answers (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON kept_answers TO mailprobe_gateway;
ALTER TABLE kept_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE kept_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY of_organization ON kept_answers FOR ALL TO mailprobe_gateway
    USING (organization_id = current_organization()) WITH CHECK (organization_id = current_organization());
CREATE POLICY of_backup ON kept_answers FOR SELECT TO mailprobe_backup USING (true);

-- What is old is forgotten of every organization, also of those that ask nothing any more. The function's owner is
-- bound by the table's security as well.
DO $$ BEGIN
    EXECUTE format('CREATE POLICY of_owner ON kept_answers FOR ALL TO %I USING (true) WITH CHECK (true)', CURRENT_USER);
END $$;
CREATE FUNCTION forget_kept_answers(most integer) RETURNS integer
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = mailprobe, pg_temp
    AS $$ WITH old AS (SELECT k.ctid FROM kept_answers k WHERE k.created_at < now() - interval '24 hours'
                       ORDER BY k.created_at LIMIT most FOR UPDATE SKIP LOCKED),
               gone AS (DELETE FROM kept_answers k USING old WHERE k.ctid = old.ctid RETURNING k.status)
          SELECT count(*)::integer FROM gone $$;
REVOKE ALL ON FUNCTION forget_kept_answers(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_kept_answers(integer) TO mailprobe_gateway;
