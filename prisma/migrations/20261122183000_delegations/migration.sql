-- What people let service accounts do as them.
CREATE TABLE "delegations" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "service_account_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "has_endpoint_list" BOOLEAN NOT NULL,
    "endpoints" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "delegations_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "delegations_tenant_id_user_id_service_account_id_fabric_id_key" ON "delegations"("tenant_id", "user_id", "service_account_id", "fabric_id");
CREATE INDEX "delegations_expires_at_idx" ON "delegations"("expires_at");

-- AddForeignKey
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_service_account_id_fkey" FOREIGN KEY ("tenant_id", "service_account_id") REFERENCES "service_accounts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "delegations" ADD CONSTRAINT "delegations_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "delegations" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "delegations" FORCE ROW LEVEL SECURITY;
CREATE POLICY "delegations_tenant" ON "delegations" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());

-- Off unless a tenant's admins decide otherwise.
ALTER TABLE "tenant_settings" ADD COLUMN "delegations_allowed" BOOLEAN NOT NULL DEFAULT false;
