-- When a canary last passed. One that came through and failed says that answers arrive, not that checks can be made.
ALTER TABLE canaries ADD COLUMN passed_at bigint;
UPDATE canaries SET passed_at = stored_at WHERE passed;

-- Here and not in the recorder's statement, so that what a recorder of the release before stores counts as well.
CREATE FUNCTION note_canary_passed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.passed THEN
        NEW.passed_at := NEW.stored_at;
    ELSIF TG_OP = 'UPDATE' THEN
        NEW.passed_at := OLD.passed_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER canary_stored BEFORE INSERT OR UPDATE ON canaries FOR EACH ROW EXECUTE FUNCTION note_canary_passed();
