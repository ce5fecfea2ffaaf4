-- When each grant's token is to be looked at next, apart from the grant, so that a note of use writes no token's row.
CREATE TABLE "refresh_schedule" (
    "tenant_id" TEXT NOT NULL,
    "grant_id" TEXT NOT NULL,
    "workspace_origin" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "used_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refresh_schedule_pkey" PRIMARY KEY ("tenant_id","grant_id")
);

-- Which tenants have something due, and not one of their rows: no later than the earliest of them.
CREATE TABLE "refresh_turns" (
    "id" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "refresh_turns_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "refresh_schedule_due_idx" ON "refresh_schedule" ("tenant_id", "workspace_origin", "due_at") WHERE "due_at" IS NOT NULL;
CREATE INDEX "refresh_turns_due_at_idx" ON "refresh_turns" ("due_at");

ALTER TABLE "refresh_schedule" ADD CONSTRAINT "refresh_schedule_tenant_id_grant_id_fkey" FOREIGN KEY ("tenant_id", "grant_id") REFERENCES "grants"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "refresh_turns" ADD CONSTRAINT "refresh_turns_id_fkey" FOREIGN KEY ("id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What is held already comes due within the hour, spread over it.
ALTER TABLE "grants" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "grant_tokens" NO FORCE ROW LEVEL SECURITY;
INSERT INTO "refresh_schedule" ("tenant_id", "grant_id", "workspace_origin", "due_at", "used_at")
  SELECT g."tenant_id", g."id", g."workspace_origin", now() + random() * interval '1 hour', now()
    FROM "grants" g JOIN "grant_tokens" t ON t."tenant_id" = g."tenant_id" AND t."grant_id" = g."id"
   WHERE g."kind" <> 'pat' AND t."access_token_sealed" IS NOT NULL;
INSERT INTO "refresh_turns" ("id", "due_at") SELECT DISTINCT "tenant_id", now() FROM "refresh_schedule";
ALTER TABLE "grants" FORCE ROW LEVEL SECURITY;
ALTER TABLE "grant_tokens" FORCE ROW LEVEL SECURITY;

ALTER TABLE "refresh_schedule" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "refresh_schedule" FORCE ROW LEVEL SECURITY;
CREATE POLICY "refresh_schedule_tenant" ON "refresh_schedule" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());

ALTER TABLE "refresh_turns" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "refresh_turns" FORCE ROW LEVEL SECURITY;
CREATE POLICY "refresh_turns_tenant" ON "refresh_turns" USING ("id" = weft_tenant()) WITH CHECK ("id" = weft_tenant());
CREATE POLICY "refresh_turns_lookup" ON "refresh_turns" FOR SELECT USING (weft_lookup() = '*');

-- The workspace hosts of the transaction's tenant that have something scheduled, by steps along the index.
CREATE FUNCTION weft_refresh_hosts() RETURNS TABLE (origin text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  WITH RECURSIVE hosts AS (
    (SELECT workspace_origin AS origin FROM refresh_schedule
      WHERE tenant_id = weft_tenant() AND due_at IS NOT NULL ORDER BY workspace_origin LIMIT 1)
    UNION ALL
    SELECT next.origin FROM hosts CROSS JOIN LATERAL (
      SELECT workspace_origin AS origin FROM refresh_schedule
       WHERE tenant_id = weft_tenant() AND due_at IS NOT NULL AND workspace_origin > hosts.origin
       ORDER BY workspace_origin LIMIT 1) next
  ) SELECT origin FROM hosts
$$;
