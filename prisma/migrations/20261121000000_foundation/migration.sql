-- The engine that applies this file splits it at every semicolon, so none may stand in a comment or a body.

-- CreateTable
CREATE TABLE "tenants" (
    "id" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'active',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "identity_hash" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "is_email_verified" BOOLEAN NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "last_login_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("tenant_id","user_id")
);

-- CreateTable
CREATE TABLE "teams" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "teams_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "team_members" (
    "tenant_id" TEXT NOT NULL,
    "team_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" TEXT NOT NULL,

    CONSTRAINT "team_members_pkey" PRIMARY KEY ("tenant_id","team_id","user_id")
);

-- CreateTable
CREATE TABLE "login_providers" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "client_secret_sealed" TEXT NOT NULL,
    "email_domains" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "login_providers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "login_attempts" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "login_provider_id" TEXT NOT NULL,
    "state_hash" TEXT NOT NULL,
    "browser_hash" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "code_verifier_sealed" TEXT NOT NULL,
    "return_to" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "login_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "login_provider_id" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "idle_expires_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "app_connections" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "account_host" TEXT,
    "account_id" TEXT,
    "client_id" TEXT,
    "scopes" TEXT[],
    "client_auth_method" TEXT NOT NULL,
    "is_default" BOOLEAN NOT NULL,
    "is_disabled" BOOLEAN NOT NULL DEFAULT false,
    "allowed_hosts" TEXT[],
    "verified_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "app_connections_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "client_secrets" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "app_connection_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "set_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "client_secrets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "fabrics" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "team_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "workspace_origin" TEXT NOT NULL,
    "auth_method" TEXT NOT NULL,
    "app_connection_id" TEXT,
    "service_principal_use" TEXT NOT NULL,
    "warehouse_id" TEXT,
    "cluster_id" TEXT,
    "http_path" TEXT,
    "catalog" TEXT,
    "schema" TEXT,
    "has_endpoint_list" BOOLEAN NOT NULL,
    "endpoint_allow_list" TEXT[],
    "status" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "fabrics_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_principals" (
    "tenant_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "secret_sealed" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "set_at" TIMESTAMPTZ(3) NOT NULL,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "service_principals_pkey" PRIMARY KEY ("tenant_id","fabric_id")
);

-- CreateTable
CREATE TABLE "sign_in_attempts" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "app_connection_id" TEXT NOT NULL,
    "workspace_origin" TEXT NOT NULL,
    "state_hash" TEXT NOT NULL,
    "code_verifier_sealed" TEXT NOT NULL,
    "return_to" TEXT,
    "status" TEXT NOT NULL,
    "code" TEXT,
    "detail" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "sign_in_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "grants" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "user_id" TEXT,
    "fabric_id" TEXT,
    "workspace_origin" TEXT NOT NULL,
    "app_connection_id" TEXT,
    "state" TEXT NOT NULL,
    "cause" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "next_try_at" TIMESTAMPTZ(3),
    "failures" INTEGER NOT NULL DEFAULT 0,
    "workspace_user_name" TEXT,
    "workspace_user_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "grants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "grant_tokens" (
    "tenant_id" TEXT NOT NULL,
    "grant_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "refresh_token_sealed" TEXT,
    "access_token_sealed" TEXT,
    "access_expires_at" TIMESTAMPTZ(3),
    "access_issued_at" TIMESTAMPTZ(3),
    "scope" TEXT,
    "claim_owner" TEXT,
    "claim_expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "grant_tokens_pkey" PRIMARY KEY ("tenant_id","grant_id")
);

-- CreateTable
CREATE TABLE "refresh_journal" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "grant_id" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "owner" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "answer_sealed" TEXT,
    "answered_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_journal_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_accounts" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "service_accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_keys" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "service_account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "service_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_account_fabrics" (
    "tenant_id" TEXT NOT NULL,
    "service_account_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "has_endpoint_list" BOOLEAN NOT NULL,
    "endpoints" TEXT[],
    "requests_per_minute" INTEGER,

    CONSTRAINT "service_account_fabrics_pkey" PRIMARY KEY ("tenant_id","service_account_id","fabric_id")
);

-- CreateTable
CREATE TABLE "data_keys" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "wrapped" TEXT NOT NULL,
    "kek_kid" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "data_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "tenant_id" TEXT NOT NULL,
    "principal_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "body_hash" TEXT NOT NULL,
    "answer_sealed" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("tenant_id","principal_id","key")
);

-- CreateTable
CREATE TABLE "audit_events" (
    "tenant_id" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "id" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "on_behalf_of" TEXT,
    "action" TEXT NOT NULL,
    "object_kind" TEXT NOT NULL,
    "object_id" TEXT NOT NULL,
    "fabric_id" TEXT,
    "outcome" TEXT NOT NULL,
    "code" TEXT,
    "request_id" TEXT,
    "details" JSONB NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_events_pkey" PRIMARY KEY ("tenant_id","seq")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenants_slug_key" ON "tenants"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "users_identity_hash_key" ON "users"("identity_hash");

-- CreateIndex
CREATE INDEX "memberships_user_id_idx" ON "memberships"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "teams_tenant_id_id_key" ON "teams"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "team_members_tenant_id_user_id_idx" ON "team_members"("tenant_id", "user_id");

-- CreateIndex
CREATE UNIQUE INDEX "login_providers_tenant_id_id_key" ON "login_providers"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "login_providers_tenant_id_issuer_client_id_key" ON "login_providers"("tenant_id", "issuer", "client_id");

-- CreateIndex
CREATE UNIQUE INDEX "login_attempts_state_hash_key" ON "login_attempts"("state_hash");

-- CreateIndex
CREATE INDEX "login_attempts_expires_at_idx" ON "login_attempts"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_token_hash_key" ON "sessions"("token_hash");

-- CreateIndex
CREATE INDEX "sessions_tenant_id_user_id_idx" ON "sessions"("tenant_id", "user_id");

-- CreateIndex
CREATE INDEX "sessions_expires_at_idx" ON "sessions"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "app_connections_tenant_id_id_key" ON "app_connections"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "app_connections_tenant_id_name_key" ON "app_connections"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "client_secrets_tenant_id_app_connection_id_idx" ON "client_secrets"("tenant_id", "app_connection_id");

-- CreateIndex
CREATE INDEX "fabrics_tenant_id_team_id_idx" ON "fabrics"("tenant_id", "team_id");

-- CreateIndex
CREATE UNIQUE INDEX "fabrics_tenant_id_id_key" ON "fabrics"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "fabrics_tenant_id_slug_key" ON "fabrics"("tenant_id", "slug");

-- CreateIndex
CREATE UNIQUE INDEX "fabrics_tenant_id_name_key" ON "fabrics"("tenant_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "sign_in_attempts_state_hash_key" ON "sign_in_attempts"("state_hash");

-- CreateIndex
CREATE INDEX "sign_in_attempts_expires_at_idx" ON "sign_in_attempts"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "grants_tenant_id_id_key" ON "grants"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "grants_tenant_id_user_id_workspace_origin_app_connection_id_key" ON "grants"("tenant_id", "user_id", "workspace_origin", "app_connection_id");

-- CreateIndex
CREATE UNIQUE INDEX "grants_tenant_id_fabric_id_key" ON "grants"("tenant_id", "fabric_id");

-- CreateIndex
CREATE INDEX "refresh_journal_tenant_id_grant_id_generation_idx" ON "refresh_journal"("tenant_id", "grant_id", "generation");

-- CreateIndex
CREATE UNIQUE INDEX "service_accounts_tenant_id_id_key" ON "service_accounts"("tenant_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "service_accounts_tenant_id_name_key" ON "service_accounts"("tenant_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "service_keys_hash_key" ON "service_keys"("hash");

-- CreateIndex
CREATE INDEX "service_keys_tenant_id_service_account_id_idx" ON "service_keys"("tenant_id", "service_account_id");

-- CreateIndex
CREATE UNIQUE INDEX "data_keys_tenant_id_id_key" ON "data_keys"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "idempotency_keys_expires_at_idx" ON "idempotency_keys"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "audit_events_id_key" ON "audit_events"("id");

-- CreateIndex
CREATE INDEX "audit_events_tenant_id_at_idx" ON "audit_events"("tenant_id", "at");

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "teams" ADD CONSTRAINT "teams_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_tenant_id_team_id_fkey" FOREIGN KEY ("tenant_id", "team_id") REFERENCES "teams"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "login_providers" ADD CONSTRAINT "login_providers_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "login_attempts" ADD CONSTRAINT "login_attempts_tenant_id_login_provider_id_fkey" FOREIGN KEY ("tenant_id", "login_provider_id") REFERENCES "login_providers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "app_connections" ADD CONSTRAINT "app_connections_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "client_secrets" ADD CONSTRAINT "client_secrets_tenant_id_app_connection_id_fkey" FOREIGN KEY ("tenant_id", "app_connection_id") REFERENCES "app_connections"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fabrics" ADD CONSTRAINT "fabrics_tenant_id_team_id_fkey" FOREIGN KEY ("tenant_id", "team_id") REFERENCES "teams"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fabrics" ADD CONSTRAINT "fabrics_tenant_id_app_connection_id_fkey" FOREIGN KEY ("tenant_id", "app_connection_id") REFERENCES "app_connections"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "service_principals" ADD CONSTRAINT "service_principals_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sign_in_attempts" ADD CONSTRAINT "sign_in_attempts_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sign_in_attempts" ADD CONSTRAINT "sign_in_attempts_tenant_id_app_connection_id_fkey" FOREIGN KEY ("tenant_id", "app_connection_id") REFERENCES "app_connections"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grants" ADD CONSTRAINT "grants_tenant_id_app_connection_id_fkey" FOREIGN KEY ("tenant_id", "app_connection_id") REFERENCES "app_connections"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "grant_tokens" ADD CONSTRAINT "grant_tokens_tenant_id_grant_id_fkey" FOREIGN KEY ("tenant_id", "grant_id") REFERENCES "grants"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_journal" ADD CONSTRAINT "refresh_journal_tenant_id_grant_id_fkey" FOREIGN KEY ("tenant_id", "grant_id") REFERENCES "grants"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "service_accounts" ADD CONSTRAINT "service_accounts_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "service_keys" ADD CONSTRAINT "service_keys_tenant_id_service_account_id_fkey" FOREIGN KEY ("tenant_id", "service_account_id") REFERENCES "service_accounts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "service_account_fabrics" ADD CONSTRAINT "service_account_fabrics_tenant_id_service_account_id_fkey" FOREIGN KEY ("tenant_id", "service_account_id") REFERENCES "service_accounts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "service_account_fabrics" ADD CONSTRAINT "service_account_fabrics_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- Checks that Prisma's schema language cannot say.
CREATE UNIQUE INDEX "teams_shared_name_key" ON "teams" ("tenant_id", "name") WHERE "kind" = 'shared';
CREATE UNIQUE INDEX "app_connections_default_key" ON "app_connections" ("tenant_id", "provider") WHERE "is_default";
CREATE UNIQUE INDEX "client_secrets_current_key" ON "client_secrets" ("tenant_id", "app_connection_id") WHERE "state" = 'current';
CREATE UNIQUE INDEX "refresh_journal_open_key" ON "refresh_journal" ("tenant_id", "grant_id") WHERE "outcome" IS NULL;
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_role_check" CHECK ("role" IN ('tenant_admin', 'member'));
ALTER TABLE "team_members" ADD CONSTRAINT "team_members_role_check" CHECK ("role" IN ('admin', 'member'));
ALTER TABLE "grants" ADD CONSTRAINT "grants_kind_check" CHECK (
  ("kind" = 'user' AND "user_id" IS NOT NULL AND "app_connection_id" IS NOT NULL AND "fabric_id" IS NULL) OR
  ("kind" = 'service_principal' AND "fabric_id" IS NOT NULL AND "user_id" IS NULL AND "app_connection_id" IS NULL)
);
ALTER TABLE "grants" ADD CONSTRAINT "grants_state_check" CHECK ("state" IN
  ('pending', 'active', 'degraded', 'needs_sign_in', 'misconfigured', 'paused', 'revoked'));

-- Row-level security. A transaction says which tenant it serves (weft.tenant). Before the tenant is known,
-- a row is visible to whoever presents its unguessable hash (weft.lookup), and a person sees where they are
-- a member (weft.user). All three are transaction-local, and none set means no row at all.
CREATE FUNCTION weft_tenant() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('weft.tenant', true), '') $$;
CREATE FUNCTION weft_lookup() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('weft.lookup', true), '') $$;
CREATE FUNCTION weft_user() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT nullif(current_setting('weft.user', true), '') $$;

ALTER TABLE "memberships" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "memberships" FORCE ROW LEVEL SECURITY;
CREATE POLICY "memberships_tenant" ON "memberships" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "teams" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "teams" FORCE ROW LEVEL SECURITY;
CREATE POLICY "teams_tenant" ON "teams" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "team_members" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "team_members" FORCE ROW LEVEL SECURITY;
CREATE POLICY "team_members_tenant" ON "team_members" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "login_providers" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "login_providers" FORCE ROW LEVEL SECURITY;
CREATE POLICY "login_providers_tenant" ON "login_providers" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "login_attempts" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "login_attempts" FORCE ROW LEVEL SECURITY;
CREATE POLICY "login_attempts_tenant" ON "login_attempts" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "sessions" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "sessions" FORCE ROW LEVEL SECURITY;
CREATE POLICY "sessions_tenant" ON "sessions" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "app_connections" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "app_connections" FORCE ROW LEVEL SECURITY;
CREATE POLICY "app_connections_tenant" ON "app_connections" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "client_secrets" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "client_secrets" FORCE ROW LEVEL SECURITY;
CREATE POLICY "client_secrets_tenant" ON "client_secrets" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "fabrics" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "fabrics" FORCE ROW LEVEL SECURITY;
CREATE POLICY "fabrics_tenant" ON "fabrics" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "service_principals" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "service_principals" FORCE ROW LEVEL SECURITY;
CREATE POLICY "service_principals_tenant" ON "service_principals" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "sign_in_attempts" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "sign_in_attempts" FORCE ROW LEVEL SECURITY;
CREATE POLICY "sign_in_attempts_tenant" ON "sign_in_attempts" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "grants" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "grants" FORCE ROW LEVEL SECURITY;
CREATE POLICY "grants_tenant" ON "grants" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "grant_tokens" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "grant_tokens" FORCE ROW LEVEL SECURITY;
CREATE POLICY "grant_tokens_tenant" ON "grant_tokens" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "refresh_journal" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "refresh_journal" FORCE ROW LEVEL SECURITY;
CREATE POLICY "refresh_journal_tenant" ON "refresh_journal" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "service_accounts" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "service_accounts" FORCE ROW LEVEL SECURITY;
CREATE POLICY "service_accounts_tenant" ON "service_accounts" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "service_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "service_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "service_keys_tenant" ON "service_keys" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "service_account_fabrics" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "service_account_fabrics" FORCE ROW LEVEL SECURITY;
CREATE POLICY "service_account_fabrics_tenant" ON "service_account_fabrics" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "data_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "data_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "data_keys_tenant" ON "data_keys" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "idempotency_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "idempotency_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "idempotency_keys_tenant" ON "idempotency_keys" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "audit_events" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_events" FORCE ROW LEVEL SECURITY;
CREATE POLICY "audit_events_tenant" ON "audit_events" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());

CREATE POLICY "sessions_lookup" ON "sessions" FOR SELECT USING ("token_hash" = weft_lookup());
CREATE POLICY "service_keys_lookup" ON "service_keys" FOR SELECT USING ("hash" = weft_lookup());
CREATE POLICY "login_attempts_lookup" ON "login_attempts" FOR SELECT USING ("state_hash" = weft_lookup());
CREATE POLICY "sign_in_attempts_lookup" ON "sign_in_attempts" FOR SELECT USING ("state_hash" = weft_lookup());
CREATE POLICY "memberships_own" ON "memberships" FOR SELECT USING ("user_id" = weft_user());

ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tenants" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenants_tenant" ON "tenants" USING ("id" = weft_tenant()) WITH CHECK ("id" = weft_tenant());
-- '*' lists the tenants for sweeps that then serve one tenant after the other.
CREATE POLICY "tenants_lookup" ON "tenants" FOR SELECT
  USING ("slug" = weft_lookup() OR weft_lookup() = '*');
CREATE POLICY "tenants_own" ON "tenants" FOR SELECT USING (EXISTS (
  SELECT 1 FROM "memberships" m WHERE m."tenant_id" = "tenants"."id" AND m."user_id" = weft_user()));

ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "users" FORCE ROW LEVEL SECURITY;
CREATE POLICY "users_identity" ON "users" USING ("identity_hash" = weft_lookup())
  WITH CHECK ("identity_hash" = weft_lookup());
CREATE POLICY "users_own" ON "users" FOR SELECT USING ("id" = weft_user());
CREATE POLICY "users_fellow_members" ON "users" FOR SELECT USING (EXISTS (
  SELECT 1 FROM "memberships" m WHERE m."tenant_id" = weft_tenant() AND m."user_id" = "users"."id"));
