-- An erasure ends, however busily the tenant is still written for: whoever writes waits for the batch, and one
-- batch takes rows of every table as long as it has room, where it took one table's.
CREATE OR REPLACE FUNCTION weft_erase_rows(at_most int) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  erased CONSTANT text := weft_tenant();
  receipt tenant_erasures%ROWTYPE;
  victim regclass;
  child regclass;
  is_held boolean;
  people text[];
  person text;
  gone int;
  room int := at_most;
  before int;
BEGIN
  PERFORM pg_advisory_xact_lock(7734005, hashtext(erased));
  SELECT * INTO receipt FROM tenant_erasures WHERE id = erased;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this tenant is not being erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF receipt.finished_at IS NOT NULL THEN RETURN true; END IF;
  -- Every row of a tenant refers to it, so that nobody adds one before the commit.
  PERFORM FROM tenants WHERE id = erased FOR UPDATE;

  LOOP
    before := room;
    FOR victim IN
      SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
         AND a.attname = 'tenant_id' AND NOT a.attisdropped AND c.relname <> 'audit_events'
    LOOP
      is_held := false;
      FOR child IN
        SELECT conrelid::regclass FROM pg_constraint
         WHERE contype = 'f' AND confrelid = victim AND conrelid <> victim
      LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE tenant_id = $1)', child)
          INTO is_held USING erased;
        EXIT WHEN is_held;
      END LOOP;
      CONTINUE WHEN is_held;
      people := '{}';
      IF victim = 'memberships'::regclass THEN
        people := ARRAY(SELECT user_id FROM memberships WHERE tenant_id = erased LIMIT room);
      END IF;
      EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM %1$s WHERE tenant_id = $1 LIMIT $2))', victim) USING erased, room;
      GET DIAGNOSTICS gone = ROW_COUNT;
      CONTINUE WHEN gone = 0;
      UPDATE tenant_erasures SET row_counts = row_counts || jsonb_build_object(
        victim::text, coalesce((row_counts->>victim::text)::bigint, 0) + gone) WHERE id = erased;
      -- Who was a member here and nowhere else is no longer known.
      FOREACH person IN ARRAY people LOOP
        PERFORM weft_forget_person(person);
      END LOOP;
      room := room - gone;
      IF room = 0 THEN RETURN false; END IF;
    END LOOP;
    EXIT WHEN room = before;
  END LOOP;

  -- Whoever appends to the chain holds this, may be waiting for the tenant's row, and then goes first.
  IF NOT pg_try_advisory_xact_lock(7734002, hashtext(erased)) THEN RETURN false; END IF;
  UPDATE tenant_erasures e SET audit_length = a.seq, audit_head = a.hash
    FROM (SELECT seq, hash FROM audit_events WHERE tenant_id = erased ORDER BY seq DESC LIMIT 1) a
   WHERE e.id = erased;
  DELETE FROM audit_events WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit_events WHERE tenant_id = erased ORDER BY seq LIMIT room));
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone = room THEN RETURN false; END IF;
  DELETE FROM tenants WHERE id = erased;
  UPDATE tenant_erasures SET finished_at = now() WHERE id = erased;
  RETURN true;
END $$;
