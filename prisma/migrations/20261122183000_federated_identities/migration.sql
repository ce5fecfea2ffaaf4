-- Whose assertions a service account is believed by, in place of a key.
CREATE TABLE "federated_identities" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "service_account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "subject" TEXT,
    "claims" JSONB NOT NULL,
    "jwks_uri" TEXT,
    "jwks" JSONB,
    "max_age_seconds" INTEGER,
    "is_one_use" BOOLEAN NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "federated_identities_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "federated_identities_tenant_id_id_key" ON "federated_identities"("tenant_id", "id");
CREATE UNIQUE INDEX "federated_identities_tenant_id_service_account_id_name_key" ON "federated_identities"("tenant_id", "service_account_id", "name");
CREATE INDEX "federated_identities_service_account_id_idx" ON "federated_identities"("service_account_id");

ALTER TABLE "federated_identities" ADD CONSTRAINT "federated_identities_tenant_id_service_account_id_fkey" FOREIGN KEY ("tenant_id", "service_account_id") REFERENCES "service_accounts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Assertions that were good for one use, until they are over by themselves.
CREATE TABLE "used_assertions" (
    "tenant_id" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_assertions_pkey" PRIMARY KEY ("tenant_id", "hash")
);

CREATE INDEX "used_assertions_expires_at_idx" ON "used_assertions"("expires_at");

ALTER TABLE "used_assertions" ADD CONSTRAINT "used_assertions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "federated_identities" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "federated_identities" FORCE ROW LEVEL SECURITY;
CREATE POLICY "federated_identities_tenant" ON "federated_identities" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
-- Who asks for a token names the service account before anything else is known of them.
CREATE POLICY "federated_identities_lookup" ON "federated_identities" FOR SELECT USING ("service_account_id" = weft_lookup());
ALTER TABLE "used_assertions" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "used_assertions" FORCE ROW LEVEL SECURITY;
CREATE POLICY "used_assertions_tenant" ON "used_assertions" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
