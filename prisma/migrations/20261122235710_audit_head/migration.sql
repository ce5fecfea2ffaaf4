-- Where the tenant's record ends, for whoever appends to it next: the others wait until this transaction ends.
-- Volatile, so that what is read is read after the wait.
CREATE FUNCTION weft_lock_audit_chain() RETURNS TABLE (seq bigint, hash text)
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(7734002, hashtext(weft_tenant()));
  RETURN QUERY SELECT e.seq, e.hash FROM audit_events e
    WHERE e.tenant_id = weft_tenant() ORDER BY e.seq DESC LIMIT 1;
END $$;
