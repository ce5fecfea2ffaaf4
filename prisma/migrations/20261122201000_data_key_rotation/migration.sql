-- Rotation of a tenant's data keys: what lies sealed says in its first characters with which key, in whatever
-- table. Both functions have the rights of their caller and serve the transaction's own tenant.

-- Up to `at_most` texts of the tenant that begin with `prefix`, and where each lies at this moment.
CREATE FUNCTION weft_sealed_values(prefix text, at_most int)
  RETURNS TABLE (relation text, attribute text, place text, sealed text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  own record;
  remaining int := at_most;
  found_here int;
BEGIN
  FOR own IN
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND a.atttypid = 'text'::regtype AND a.attnum > 0 AND NOT a.attisdropped
       AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id' AND NOT t.attisdropped)
       -- What is only ever added to holds nothing sealed; data keys are wrapped, not sealed.
       AND c.relname NOT IN ('audit_events', 'call_records', 'usage_days', 'data_keys')
     ORDER BY c.relname, a.attnum
  LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %1$L::text, %2$L::text, ctid::text, %2$I FROM %1$I
        WHERE tenant_id = weft_tenant() AND starts_with(%2$I, $1) LIMIT $2', own.relname, own.attname)
      USING prefix, remaining;
    GET DIAGNOSTICS found_here = ROW_COUNT;
    remaining := remaining - found_here;
    EXIT WHEN remaining <= 0;
  END LOOP;
END $$;

-- Puts one sealed text in another's place, unless that has changed since it was read.
CREATE FUNCTION weft_replace_sealed(relation text, attribute text, place text, sealed text, next_sealed text)
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  changed int;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(format('public.%I', relation))
                    AND attname = attribute AND NOT attisdropped) THEN
    RETURN false;
  END IF;
  EXECUTE format('UPDATE %1$I SET %2$I = $1 WHERE ctid = $2::tid AND tenant_id = weft_tenant() AND %2$I = $3',
    relation, attribute) USING next_sealed, place, sealed;
  GET DIAGNOSTICS changed = ROW_COUNT;
  RETURN changed = 1;
END $$;
