-- What acts as its owner is nobody's to use but whom it was given to. Postgres gives every new function to everybody;
-- a trigger's function cannot be called, but whoever may execute it can hang it on a table of their own, and so write
-- the audit log of any organization. A trigger that stands already asks nobody's leave.
DO $$
DECLARE one regprocedure;
BEGIN
    FOR one IN SELECT p.oid::regprocedure FROM pg_proc p
               WHERE p.pronamespace = 'mailprobe'::regnamespace AND p.prosecdef LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
END $$;
