-- CreateTable
CREATE TABLE "service_tokens" (
    "hash" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "service_tokens_pkey" PRIMARY KEY ("hash")
);

-- CreateIndex
CREATE INDEX "service_tokens_tenant_id_key_id_idx" ON "service_tokens"("tenant_id", "key_id");

-- CreateIndex
CREATE INDEX "service_tokens_expires_at_idx" ON "service_tokens"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "service_keys_tenant_id_id_key" ON "service_keys"("tenant_id", "id");

-- AddForeignKey
ALTER TABLE "service_tokens" ADD CONSTRAINT "service_tokens_tenant_id_key_id_fkey" FOREIGN KEY ("tenant_id", "key_id") REFERENCES "service_keys"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "service_tokens" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "service_tokens" FORCE ROW LEVEL SECURITY;
CREATE POLICY "service_tokens_tenant" ON "service_tokens" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
CREATE POLICY "service_tokens_lookup" ON "service_tokens" FOR SELECT USING ("hash" = weft_lookup());
