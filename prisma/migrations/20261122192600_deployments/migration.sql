-- Jobs that Weft keeps at workspaces, each by the name of its deployment.
CREATE TABLE "deployments" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "team_id" TEXT NOT NULL,
    "workspace_origin" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "job_id" TEXT,
    "spec_hash" TEXT NOT NULL,
    "setting_hashes" JSONB NOT NULL,
    "schedule" JSONB,
    "left_behind" TEXT[],
    "deployed_by" TEXT NOT NULL,
    "deployed_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "claim_id" TEXT,
    "claimed_until" TIMESTAMPTZ(3),

    CONSTRAINT "deployments_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "deployments_tenant_id_fabric_id_name_key" ON "deployments"("tenant_id", "fabric_id", "name");

-- AddForeignKey
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "deployments" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "deployments" FORCE ROW LEVEL SECURITY;
CREATE POLICY "deployments_tenant" ON "deployments" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
