-- Who runs the platform, and what remains of a tenant that was erased.
CREATE TABLE "platform_operators" (
    "user_id" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL,
    "added_by" TEXT NOT NULL,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "platform_operators_pkey" PRIMARY KEY ("user_id")
);

CREATE TABLE "tenant_erasures" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "grants_revoked" INTEGER,
    "grants_not_revoked" INTEGER,
    "row_counts" JSONB NOT NULL,
    "audit_length" BIGINT,
    "audit_head" TEXT,

    CONSTRAINT "tenant_erasures_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "platform_operators" ADD CONSTRAINT "platform_operators_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What an update by the platform operator is made against; `version` counts every change of the tenant.
ALTER TABLE "tenants" ADD COLUMN "revision" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_status_check" CHECK ("status" IN ('active', 'suspended', 'erasing'));

-- What is written late for a tenant that is gone is refused, instead of staying behind.
ALTER TABLE "audit_events" ADD CONSTRAINT "audit_events_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "call_records" ADD CONSTRAINT "call_records_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "usage_days" ADD CONSTRAINT "usage_days_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "platform_operators" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "platform_operators" FORCE ROW LEVEL SECURITY;
CREATE POLICY "platform_operators_all" ON "platform_operators" USING (weft_lookup() = '*') WITH CHECK (weft_lookup() = '*');
CREATE POLICY "platform_operators_own" ON "platform_operators" FOR SELECT USING ("user_id" = weft_user());
CREATE POLICY "platform_operators_fellow_members" ON "platform_operators" FOR SELECT USING (EXISTS (
  SELECT 1 FROM "memberships" m WHERE m."tenant_id" = weft_tenant() AND m."user_id" = "platform_operators"."user_id"));

ALTER TABLE "tenant_erasures" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tenant_erasures" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_erasures_tenant" ON "tenant_erasures" USING ("id" = weft_tenant()) WITH CHECK ("id" = weft_tenant());
CREATE POLICY "tenant_erasures_lookup" ON "tenant_erasures" FOR SELECT USING (weft_lookup() = '*');

-- What has just happened goes only with the whole tenant.
DROP POLICY "call_records_fresh" ON "call_records";
CREATE POLICY "call_records_fresh" ON "call_records" AS RESTRICTIVE FOR DELETE USING (
  "at" < now() - interval '24 hours' OR EXISTS (SELECT 1 FROM "tenant_erasures" e WHERE e."id" = weft_tenant()));

-- Erasure is the one way by which rows of the audit trail go, and it leaves a receipt that the app role can
-- neither write nor change. Each function serves the tenant of its transaction, under row-level security.

-- Writes the receipt, destroys the data keys and shuts the tenant, all or nothing.
CREATE FUNCTION weft_begin_erasure(by_kind text, by_id text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  erased CONSTANT text := weft_tenant();
  destroyed int;
BEGIN
  -- Whoever makes a data key holds this too.
  PERFORM pg_advisory_xact_lock(7734003, hashtext(erased));
  INSERT INTO tenant_erasures (id, slug, actor_kind, actor_id, started_at, row_counts)
    SELECT id, slug, by_kind, by_id, now(), '{}' FROM tenants WHERE id = erased
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN; END IF;
  DELETE FROM data_keys WHERE tenant_id = erased;
  GET DIAGNOSTICS destroyed = ROW_COUNT;
  UPDATE tenant_erasures SET row_counts = jsonb_build_object('data_keys', destroyed) WHERE id = erased;
  UPDATE tenants SET status = 'erasing', version = version + 1 WHERE id = erased;
END $$;

CREATE FUNCTION weft_note_revocations(revoked int, not_revoked int) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  UPDATE tenant_erasures SET grants_revoked = revoked, grants_not_revoked = not_revoked
   WHERE id = weft_tenant() AND grants_revoked IS NULL
$$;

-- Deletes up to `at_most` rows, of whatever table has some that nothing else of the tenant refers to; the
-- audit trail goes last, with the tenant itself. True once nothing is left.
CREATE FUNCTION weft_erase_rows(at_most int) RETURNS boolean
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
BEGIN
  PERFORM pg_advisory_xact_lock(7734005, hashtext(erased));
  SELECT * INTO receipt FROM tenant_erasures WHERE id = erased;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this tenant is not being erased' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF receipt.finished_at IS NOT NULL THEN RETURN true; END IF;

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
    IF victim = 'memberships'::regclass THEN
      people := ARRAY(SELECT user_id FROM memberships WHERE tenant_id = erased LIMIT at_most);
    END IF;
    EXECUTE format('DELETE FROM %1$s WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM %1$s WHERE tenant_id = $1 LIMIT $2))', victim) USING erased, at_most;
    GET DIAGNOSTICS gone = ROW_COUNT;
    CONTINUE WHEN gone = 0;
    UPDATE tenant_erasures SET row_counts = row_counts || jsonb_build_object(
      victim::text, coalesce((row_counts->>victim::text)::bigint, 0) + gone) WHERE id = erased;
    -- Who was a member here and nowhere else is no longer known.
    FOREACH person IN ARRAY coalesce(people, '{}') LOOP
      PERFORM weft_forget_person(person);
    END LOOP;
    RETURN false;
  END LOOP;

  -- Whoever appends to the chain holds this too, and finds no tenant afterwards.
  PERFORM pg_advisory_xact_lock(7734002, hashtext(erased));
  UPDATE tenant_erasures e SET audit_length = a.seq, audit_head = a.hash
    FROM (SELECT seq, hash FROM audit_events WHERE tenant_id = erased ORDER BY seq DESC LIMIT 1) a
   WHERE e.id = erased;
  DELETE FROM audit_events WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM audit_events WHERE tenant_id = erased ORDER BY seq LIMIT at_most));
  GET DIAGNOSTICS gone = ROW_COUNT;
  IF gone = at_most THEN RETURN false; END IF;
  DELETE FROM tenants WHERE id = erased;
  UPDATE tenant_erasures SET finished_at = now() WHERE id = erased;
  RETURN true;
END $$;

-- For weft_erase_rows alone: deletes a person who is a member of no tenant and never was an operator.
CREATE FUNCTION weft_forget_person(person text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM set_config('weft.user', person, true);
  PERFORM set_config('weft.lookup', (SELECT identity_hash FROM users WHERE id = person), true);
  -- A login elsewhere that makes them a member meanwhile is waited for.
  PERFORM FROM users WHERE id = person FOR UPDATE;
  IF NOT EXISTS (SELECT FROM memberships WHERE user_id = person)
     AND NOT EXISTS (SELECT FROM platform_operators WHERE user_id = person) THEN
    DELETE FROM users WHERE id = person;
  END IF;
  PERFORM set_config('weft.user', '', true), set_config('weft.lookup', '', true);
EXCEPTION WHEN foreign_key_violation THEN
  PERFORM set_config('weft.user', '', true), set_config('weft.lookup', '', true);
END $$;

-- The app role is granted what it needs of them by name.
REVOKE ALL ON FUNCTION weft_begin_erasure(text, text), weft_note_revocations(int, int),
  weft_erase_rows(int), weft_forget_person(text) FROM PUBLIC;
