-- What a tenant's admins decide for the whole of it; no row: the defaults.
CREATE TABLE "tenant_settings" (
    "tenant_id" TEXT NOT NULL,
    "session_idle_minutes" INTEGER NOT NULL DEFAULT 720,
    "session_max_minutes" INTEGER NOT NULL DEFAULT 10080,
    "sessions_ended_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tenant_settings_pkey" PRIMARY KEY ("tenant_id")
);

-- Which logout tokens were obeyed, for as long as they could come again.
CREATE TABLE "logout_tokens" (
    "tenant_id" TEXT NOT NULL,
    "login_provider_id" TEXT NOT NULL,
    "jti_hash" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "logout_tokens_pkey" PRIMARY KEY ("tenant_id","login_provider_id","jti_hash")
);

-- What the identity provider calls a session, so that it can end it.
ALTER TABLE "sessions"
    ADD COLUMN "provider_session_hash" TEXT,
    ADD COLUMN "provider_subject_hash" TEXT,
    ADD COLUMN "id_token_sealed" TEXT;
ALTER TABLE "memberships" ADD COLUMN "sessions_ended_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "logout_tokens_expires_at_idx" ON "logout_tokens"("expires_at");
CREATE INDEX "sessions_provider_session_hash_idx" ON "sessions"("provider_session_hash");
CREATE INDEX "sessions_provider_subject_hash_idx" ON "sessions"("provider_subject_hash");

-- AddForeignKey
ALTER TABLE "tenant_settings" ADD CONSTRAINT "tenant_settings_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "logout_tokens" ADD CONSTRAINT "logout_tokens_tenant_id_login_provider_id_fkey" FOREIGN KEY ("tenant_id", "login_provider_id") REFERENCES "login_providers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "tenant_settings" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tenant_settings" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_settings_tenant" ON "tenant_settings" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "logout_tokens" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "logout_tokens" FORCE ROW LEVEL SECURITY;
CREATE POLICY "logout_tokens_tenant" ON "logout_tokens" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());

-- Before a tenant is known: a logout token names a login provider, and sessions by the provider's own words.
CREATE POLICY "login_providers_id" ON "login_providers" FOR SELECT USING ("id" = weft_lookup());
CREATE POLICY "sessions_provider_session" ON "sessions" FOR SELECT USING ("provider_session_hash" = weft_lookup());
CREATE POLICY "sessions_provider_subject" ON "sessions" FOR SELECT USING ("provider_subject_hash" = weft_lookup());
