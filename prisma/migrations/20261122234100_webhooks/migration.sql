-- How long each tenant's record is, so that one query tells where there is something to deliver.
ALTER TABLE "tenants" ADD COLUMN "audit_seq" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "tenants" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "audit_events" NO FORCE ROW LEVEL SECURITY;
UPDATE "tenants" t SET "audit_seq" = coalesce((SELECT max("seq") FROM "audit_events" WHERE "tenant_id" = t."id"), 0);
ALTER TABLE "audit_events" FORCE ROW LEVEL SECURITY;
ALTER TABLE "tenants" FORCE ROW LEVEL SECURITY;

-- Somebody who is told the tenant's record in its order, and how far they have been told.
CREATE TABLE "audit_streams" (
    "tenant_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "cause" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "cursor" BIGINT NOT NULL,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ(3),
    "next_try_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "delivered_at" TIMESTAMPTZ(3),
    "claim_owner" TEXT,
    "claim_expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "audit_streams_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT "audit_streams_kind_check" CHECK ("kind" IN ('webhook', 'otlp')),
    CONSTRAINT "audit_streams_state_check" CHECK ("state" IN ('active', 'paused', 'disabled'))
);

CREATE TABLE "webhooks" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "events" TEXT[],
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "webhooks_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "webhook_secrets" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "webhook_id" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "hint" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhook_secrets_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "webhook_deliveries" (
    "id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "webhook_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "status" INTEGER,
    "error" TEXT,
    "duration_ms" INTEGER NOT NULL,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "webhook_deliveries_kind_check" CHECK ("kind" IN ('event', 'redelivery', 'test'))
);

CREATE INDEX "webhook_secrets_tenant_id_webhook_id_idx" ON "webhook_secrets"("tenant_id", "webhook_id");
CREATE INDEX "webhook_deliveries_tenant_id_webhook_id_id_idx" ON "webhook_deliveries"("tenant_id", "webhook_id", "id");

ALTER TABLE "audit_streams" ADD CONSTRAINT "audit_streams_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_tenant_id_id_fkey" FOREIGN KEY ("tenant_id", "id") REFERENCES "audit_streams"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "webhook_secrets" ADD CONSTRAINT "webhook_secrets_tenant_id_webhook_id_fkey" FOREIGN KEY ("tenant_id", "webhook_id") REFERENCES "webhooks"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_tenant_id_webhook_id_fkey" FOREIGN KEY ("tenant_id", "webhook_id") REFERENCES "webhooks"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "audit_streams" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_streams" FORCE ROW LEVEL SECURITY;
CREATE POLICY "audit_streams_tenant" ON "audit_streams" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "webhooks" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "webhooks" FORCE ROW LEVEL SECURITY;
CREATE POLICY "webhooks_tenant" ON "webhooks" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "webhook_secrets" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "webhook_secrets" FORCE ROW LEVEL SECURITY;
CREATE POLICY "webhook_secrets_tenant" ON "webhook_secrets" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
ALTER TABLE "webhook_deliveries" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "webhook_deliveries" FORCE ROW LEVEL SECURITY;
CREATE POLICY "webhook_deliveries_tenant" ON "webhook_deliveries" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
