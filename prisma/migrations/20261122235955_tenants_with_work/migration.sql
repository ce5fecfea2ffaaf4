-- Which tenants the clockwork has something to do for: one question for all of them, in place of a transaction for
-- each. With the rights of whoever asks, which serves one tenant after the other as it could itself, and learns ids.

CREATE FUNCTION weft_tenants_with_abandoned_refreshes() RETURNS TABLE (id text)
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  FOR id IN SELECT t.id FROM tenants t WHERE t.status <> 'erasing' ORDER BY t.id LOOP
    PERFORM set_config('weft.tenant', id, true);
    IF EXISTS (
      SELECT FROM refresh_journal j JOIN grant_tokens g USING (tenant_id, grant_id)
       WHERE j.tenant_id = weft_tenant() AND j.outcome IS NULL
         AND (g.claim_expires_at IS NULL OR g.claim_expires_at < now())
    ) THEN RETURN NEXT; END IF;
  END LOOP;
  PERFORM set_config('weft.tenant', '', true);
END
$$;

-- An incident that is not finished, or a refresh token that was kept for one that was finished before then.
CREATE FUNCTION weft_tenants_with_incidents(finished_before timestamptz) RETURNS TABLE (id text)
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  FOR id IN SELECT t.id FROM tenants t WHERE t.status <> 'erasing' ORDER BY t.id LOOP
    PERFORM set_config('weft.tenant', id, true);
    IF EXISTS (
      SELECT FROM incident_revocations i
       WHERE i.tenant_id = weft_tenant() AND (i.finished_at IS NULL OR i.finished_at < finished_before AND EXISTS (
         SELECT FROM incident_grants g
          WHERE g.tenant_id = weft_tenant() AND g.incident_id = i.id AND g.refresh_token_sealed IS NOT NULL))
    ) THEN RETURN NEXT; END IF;
  END LOOP;
  PERFORM set_config('weft.tenant', '', true);
END
$$;
