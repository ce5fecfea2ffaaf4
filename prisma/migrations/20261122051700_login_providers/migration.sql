-- A tenant's admins keep its login providers themselves.
ALTER TABLE "login_providers"
    ADD COLUMN "kind" TEXT NOT NULL DEFAULT 'oidc',
    ADD COLUMN "client_secret_hint" TEXT NOT NULL DEFAULT '…',
    ADD COLUMN "client_secret_set_at" TIMESTAMPTZ(3),
    ADD COLUMN "allowed_tenant_ids" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    ADD COLUMN "is_enabled" BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN "verified_at" TIMESTAMPTZ(3),
    ADD COLUMN "last_used_at" TIMESTAMPTZ(3),
    ADD COLUMN "groups_overage_at" TIMESTAMPTZ(3),
    ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN "updated_at" TIMESTAMPTZ(3);

UPDATE "login_providers" SET "client_secret_set_at" = "created_at", "updated_at" = "created_at";
ALTER TABLE "login_providers"
    ALTER COLUMN "client_secret_set_at" SET NOT NULL,
    ALTER COLUMN "updated_at" SET NOT NULL,
    ADD CONSTRAINT "login_providers_kind_check" CHECK ("kind" IN ('entra', 'oidc'));

-- CreateIndex
CREATE INDEX "login_providers_email_domains_idx" ON "login_providers" USING GIN ("email_domains");

-- A group of the identity provider's stands for a place in a team, or for the tenant's admins.
CREATE TABLE "group_mappings" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "login_provider_id" TEXT NOT NULL,
    "group_id" TEXT NOT NULL,
    "team_id" TEXT,
    "role" TEXT NOT NULL,

    CONSTRAINT "group_mappings_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "group_mappings_role_check" CHECK (
        CASE WHEN "team_id" IS NULL THEN "role" = 'tenant_admin' ELSE "role" IN ('admin', 'member') END)
);

-- Who was in the group at their last login. Memberships that somebody gave by hand stand elsewhere.
CREATE TABLE "mapped_members" (
    "tenant_id" TEXT NOT NULL,
    "group_mapping_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,

    CONSTRAINT "mapped_members_pkey" PRIMARY KEY ("tenant_id","group_mapping_id","user_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "group_mappings_tenant_id_id_key" ON "group_mappings"("tenant_id", "id");
CREATE UNIQUE INDEX "group_mappings_target_key" ON "group_mappings" ("tenant_id", "login_provider_id", "group_id", "team_id") NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "mapped_members_tenant_id_user_id_idx" ON "mapped_members"("tenant_id", "user_id");

-- AddForeignKey
ALTER TABLE "group_mappings" ADD CONSTRAINT "group_mappings_tenant_id_login_provider_id_fkey" FOREIGN KEY ("tenant_id", "login_provider_id") REFERENCES "login_providers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "group_mappings" ADD CONSTRAINT "group_mappings_tenant_id_team_id_fkey" FOREIGN KEY ("tenant_id", "team_id") REFERENCES "teams"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "mapped_members" ADD CONSTRAINT "mapped_members_tenant_id_group_mapping_id_fkey" FOREIGN KEY ("tenant_id", "group_mapping_id") REFERENCES "group_mappings"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "mapped_members" ADD CONSTRAINT "mapped_members_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "group_mappings" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "group_mappings" FORCE ROW LEVEL SECURITY;
CREATE POLICY "group_mappings_tenant" ON "group_mappings" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "mapped_members" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "mapped_members" FORCE ROW LEVEL SECURITY;
CREATE POLICY "mapped_members_tenant" ON "mapped_members" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());

-- Before a tenant is known: by the domain of an address.
CREATE POLICY "login_providers_lookup" ON "login_providers" FOR SELECT USING (weft_lookup() = ANY ("email_domains"));
