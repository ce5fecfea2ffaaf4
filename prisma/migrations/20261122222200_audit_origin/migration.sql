-- Where a request came from and what it came with. Records from before have neither, and hash as they did.
ALTER TABLE "audit_events" ADD COLUMN "source" TEXT;
ALTER TABLE "audit_events" ADD COLUMN "credential_id" TEXT;

CREATE INDEX "audit_events_tenant_id_credential_id_seq_idx" ON "audit_events"("tenant_id", "credential_id", "seq");

-- By what a token that was found is known again; the key is sealed with the tenant's data key.
CREATE TABLE "token_mark_keys" (
    "tenant_id" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "token_mark_keys_pkey" PRIMARY KEY ("tenant_id")
);

ALTER TABLE "token_mark_keys" ADD CONSTRAINT "token_mark_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "token_mark_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "token_mark_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "token_mark_keys_tenant" ON "token_mark_keys" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
