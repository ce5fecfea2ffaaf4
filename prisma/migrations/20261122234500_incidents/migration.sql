-- Everything that a tenant's callers come with was ended at once, and what the provider is told of it.
CREATE TABLE "incident_revocations" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "target_kind" TEXT NOT NULL,
    "target_id" TEXT NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "ended" JSONB NOT NULL,

    CONSTRAINT "incident_revocations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "incident_revocations_target_kind_check" CHECK ("target_kind" IN ('tenant', 'fabric', 'user'))
);

-- What is left of a grant that was ended so, until the provider has been told.
CREATE TABLE "incident_grants" (
    "tenant_id" TEXT NOT NULL,
    "incident_id" TEXT NOT NULL,
    "grant_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "workspace_origin" TEXT NOT NULL,
    "app_connection_id" TEXT,
    "refresh_token_sealed" TEXT,
    "outcome" TEXT,
    "cause" TEXT,
    "claimed_until" TIMESTAMPTZ(3),

    CONSTRAINT "incident_grants_pkey" PRIMARY KEY ("tenant_id","incident_id","grant_id"),
    CONSTRAINT "incident_grants_outcome_check" CHECK ("outcome" IN ('revoked', 'not_revoked'))
);

CREATE UNIQUE INDEX "incident_revocations_tenant_id_id_key" ON "incident_revocations"("tenant_id", "id");
CREATE INDEX "incident_grants_open_idx" ON "incident_grants" ("tenant_id", "incident_id") WHERE "outcome" IS NULL;

ALTER TABLE "incident_revocations" ADD CONSTRAINT "incident_revocations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "incident_grants" ADD CONSTRAINT "incident_grants_tenant_id_incident_id_fkey" FOREIGN KEY ("tenant_id", "incident_id") REFERENCES "incident_revocations"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "incident_revocations" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "incident_revocations" FORCE ROW LEVEL SECURITY;
CREATE POLICY "incident_revocations_tenant" ON "incident_revocations" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "incident_grants" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "incident_grants" FORCE ROW LEVEL SECURITY;
CREATE POLICY "incident_grants_tenant" ON "incident_grants" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
