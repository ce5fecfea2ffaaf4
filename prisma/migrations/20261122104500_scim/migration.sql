-- A person's place in a team, and who gave it: somebody here, or the identity provider by SCIM.
ALTER TABLE "team_members" ADD COLUMN "source" TEXT NOT NULL DEFAULT 'manual';
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_source_check" CHECK ("source" IN ('manual', 'scim'));

-- CreateTable
CREATE TABLE "scim_tokens" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "scim_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scim_users" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "user_name" TEXT NOT NULL,
    "user_name_key" TEXT NOT NULL,
    "external_id" TEXT,
    "email_keys" TEXT[],
    "is_active" BOOLEAN NOT NULL,
    "profile" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "scim_users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "scim_links" (
    "tenant_id" TEXT NOT NULL,
    "scim_user_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,

    CONSTRAINT "scim_links_pkey" PRIMARY KEY ("tenant_id","scim_user_id")
);

-- CreateTable
CREATE TABLE "scim_groups" (
    "tenant_id" TEXT NOT NULL,
    "team_id" TEXT NOT NULL,
    "external_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "scim_groups_pkey" PRIMARY KEY ("tenant_id","team_id")
);

-- CreateTable
CREATE TABLE "scim_group_members" (
    "tenant_id" TEXT NOT NULL,
    "team_id" TEXT NOT NULL,
    "scim_user_id" TEXT NOT NULL,

    CONSTRAINT "scim_group_members_pkey" PRIMARY KEY ("tenant_id","team_id","scim_user_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "scim_tokens_hash_key" ON "scim_tokens"("hash");

-- CreateIndex
CREATE INDEX "scim_tokens_tenant_id_idx" ON "scim_tokens"("tenant_id");

-- CreateIndex
CREATE UNIQUE INDEX "scim_users_tenant_id_id_key" ON "scim_users"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "scim_users_tenant_id_user_name_key_key" ON "scim_users"("tenant_id", "user_name_key");

-- CreateIndex
CREATE INDEX "scim_users_tenant_id_external_id_idx" ON "scim_users"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "scim_users_email_keys_idx" ON "scim_users" USING GIN ("email_keys");

-- CreateIndex
CREATE UNIQUE INDEX "scim_links_tenant_id_user_id_key" ON "scim_links"("tenant_id", "user_id");

-- CreateIndex
CREATE INDEX "scim_group_members_tenant_id_scim_user_id_idx" ON "scim_group_members"("tenant_id", "scim_user_id");

-- AddForeignKey
ALTER TABLE "scim_tokens" ADD CONSTRAINT "scim_tokens_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_users" ADD CONSTRAINT "scim_users_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_links" ADD CONSTRAINT "scim_links_tenant_id_scim_user_id_fkey" FOREIGN KEY ("tenant_id", "scim_user_id") REFERENCES "scim_users"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_links" ADD CONSTRAINT "scim_links_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_groups" ADD CONSTRAINT "scim_groups_tenant_id_team_id_fkey" FOREIGN KEY ("tenant_id", "team_id") REFERENCES "teams"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_group_members" ADD CONSTRAINT "scim_group_members_tenant_id_team_id_fkey" FOREIGN KEY ("tenant_id", "team_id") REFERENCES "scim_groups"("tenant_id", "team_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "scim_group_members" ADD CONSTRAINT "scim_group_members_tenant_id_scim_user_id_fkey" FOREIGN KEY ("tenant_id", "scim_user_id") REFERENCES "scim_users"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "scim_tokens" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "scim_tokens" FORCE ROW LEVEL SECURITY;
CREATE POLICY "scim_tokens_tenant" ON "scim_tokens" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
CREATE POLICY "scim_tokens_lookup" ON "scim_tokens" FOR SELECT USING ("hash" = weft_lookup());
ALTER TABLE "scim_users" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "scim_users" FORCE ROW LEVEL SECURITY;
CREATE POLICY "scim_users_tenant" ON "scim_users" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "scim_links" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "scim_links" FORCE ROW LEVEL SECURITY;
CREATE POLICY "scim_links_tenant" ON "scim_links" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "scim_groups" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "scim_groups" FORCE ROW LEVEL SECURITY;
CREATE POLICY "scim_groups_tenant" ON "scim_groups" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "scim_group_members" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "scim_group_members" FORCE ROW LEVEL SECURITY;
CREATE POLICY "scim_group_members_tenant" ON "scim_group_members" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
