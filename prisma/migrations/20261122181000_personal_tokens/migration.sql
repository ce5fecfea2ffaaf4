-- What people's scripts come with: as the person, narrowed.
CREATE TABLE "personal_tokens" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "access" TEXT NOT NULL,
    "has_fabric_list" BOOLEAN NOT NULL,
    "fabric_ids" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "personal_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "personal_tokens_hash_key" ON "personal_tokens"("hash");
CREATE INDEX "personal_tokens_tenant_id_user_id_idx" ON "personal_tokens"("tenant_id", "user_id");
CREATE INDEX "personal_tokens_expires_at_idx" ON "personal_tokens"("expires_at");

-- AddForeignKey
ALTER TABLE "personal_tokens" ADD CONSTRAINT "personal_tokens_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "personal_tokens" ADD CONSTRAINT "personal_tokens_access_check" CHECK ("access" IN ('read', 'query'));

ALTER TABLE "personal_tokens" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "personal_tokens" FORCE ROW LEVEL SECURITY;
CREATE POLICY "personal_tokens_tenant" ON "personal_tokens" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
CREATE POLICY "personal_tokens_lookup" ON "personal_tokens" FOR SELECT USING ("hash" = weft_lookup());

-- What a tenant allows of them.
ALTER TABLE "tenant_settings"
    ADD COLUMN "personal_tokens_allowed" BOOLEAN NOT NULL DEFAULT true,
    ADD COLUMN "personal_token_max_days" INTEGER NOT NULL DEFAULT 90;
