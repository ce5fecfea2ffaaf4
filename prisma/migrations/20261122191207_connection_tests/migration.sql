-- How the latest test of a fabric's connection went, for each identity that it was tested as.
CREATE TABLE "connection_tests" (
    "tenant_id" TEXT NOT NULL,
    "fabric_id" TEXT NOT NULL,
    "identity" TEXT NOT NULL,
    "tested_by" TEXT NOT NULL,
    "tested_at" TIMESTAMPTZ(3) NOT NULL,
    "subject" JSONB NOT NULL,
    "result" JSONB NOT NULL,

    CONSTRAINT "connection_tests_pkey" PRIMARY KEY ("tenant_id", "fabric_id", "identity", "tested_by"),
    CONSTRAINT "connection_tests_identity_check" CHECK ("identity" IN ('user', 'service_principal'))
);

-- AddForeignKey
ALTER TABLE "connection_tests" ADD CONSTRAINT "connection_tests_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "fabrics"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "connection_tests" ADD CONSTRAINT "connection_tests_tenant_id_tested_by_fkey" FOREIGN KEY ("tenant_id", "tested_by") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "connection_tests" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "connection_tests" FORCE ROW LEVEL SECURITY;
CREATE POLICY "connection_tests_tenant" ON "connection_tests" USING ("tenant_id" = weft_tenant()) WITH CHECK ("tenant_id" = weft_tenant());
