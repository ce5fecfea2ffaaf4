-- CreateTable
CREATE TABLE "call_records" (
    "tenant_id" TEXT NOT NULL,
    "writer" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "on_behalf_of" TEXT,
    "key_id" TEXT,
    "fabric_id" TEXT,
    "operation" TEXT NOT NULL,
    "endpoint" TEXT,
    "identity" TEXT,
    "grant_id" TEXT,
    "generation" INTEGER,
    "token_source" TEXT,
    "outcome" TEXT NOT NULL,
    "code" TEXT,
    "status" INTEGER,
    "upstream_status" INTEGER,
    "request_id" TEXT,
    "upstream_request_id" TEXT,
    "attempts" INTEGER NOT NULL,
    "request_bytes" BIGINT NOT NULL,
    "answer_bytes" BIGINT NOT NULL,
    "duration_ms" DOUBLE PRECISION NOT NULL,
    "first_byte_ms" DOUBLE PRECISION,
    "token_ms" DOUBLE PRECISION,
    "input_tokens" INTEGER,
    "output_tokens" INTEGER,
    "total_tokens" INTEGER,

    CONSTRAINT "call_records_pkey" PRIMARY KEY ("tenant_id","writer","seq")
);

-- CreateTable
CREATE TABLE "usage_days" (
    "tenant_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "endpoint" TEXT NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT NOT NULL,
    "calls" BIGINT NOT NULL,
    "errors" BIGINT NOT NULL,
    "request_bytes" BIGINT NOT NULL,
    "answer_bytes" BIGINT NOT NULL,
    "input_tokens" BIGINT NOT NULL,
    "output_tokens" BIGINT NOT NULL,
    "total_tokens" BIGINT NOT NULL,
    "duration_ms" DOUBLE PRECISION NOT NULL,
    "duration_max_ms" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "usage_days_pkey" PRIMARY KEY ("tenant_id","fabric_id","day","endpoint","actor_kind","actor_id")
);

-- CreateIndex
CREATE INDEX "call_records_tenant_id_at_idx" ON "call_records"("tenant_id", "at");

-- CreateIndex
CREATE INDEX "usage_days_tenant_id_day_idx" ON "usage_days"("tenant_id", "day");

ALTER TABLE "call_records" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "call_records" FORCE ROW LEVEL SECURITY;
CREATE POLICY "call_records_tenant" ON "call_records" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
-- Retention deletes; nothing deletes what has just happened, not even within its own tenant.
CREATE POLICY "call_records_fresh" ON "call_records" AS RESTRICTIVE FOR DELETE USING ("at" < now() - interval '24 hours');
ALTER TABLE "usage_days" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "usage_days" FORCE ROW LEVEL SECURITY;
CREATE POLICY "usage_days_tenant" ON "usage_days" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
