-- A service principal has several secrets, as an app connection has, and in the same table.
ALTER TABLE "client_secrets" ALTER COLUMN "app_connection_id" DROP NOT NULL,
ADD COLUMN     "fabric_id" TEXT,
ADD COLUMN     "expires_at" TIMESTAMPTZ(3);

CREATE INDEX "client_secrets_tenant_id_fabric_id_idx" ON "client_secrets"("tenant_id", "fabric_id");
CREATE UNIQUE INDEX "client_secrets_principal_current_key" ON "client_secrets" ("tenant_id", "fabric_id") WHERE "state" = 'current';
ALTER TABLE "client_secrets" ADD CONSTRAINT "client_secrets_tenant_id_fabric_id_fkey" FOREIGN KEY ("tenant_id", "fabric_id") REFERENCES "service_principals"("tenant_id", "fabric_id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "client_secrets" ADD CONSTRAINT "client_secrets_owner_check" CHECK (num_nonnulls("app_connection_id", "fabric_id") = 1);

-- What is stored already moves along, and is still sealed for where it was: its id, the fabric's own, says so.
-- The owner sees other people's rows for these two statements alone.
ALTER TABLE "service_principals" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "client_secrets" NO FORCE ROW LEVEL SECURITY;
INSERT INTO "client_secrets" ("id", "tenant_id", "fabric_id", "state", "sealed", "hint", "set_at", "last_used_at")
SELECT 'sec_' || substr("fabric_id", 5), "tenant_id", "fabric_id", 'current', "secret_sealed", "hint", "set_at", "last_used_at"
  FROM "service_principals";
ALTER TABLE "client_secrets" FORCE ROW LEVEL SECURITY;
ALTER TABLE "service_principals" FORCE ROW LEVEL SECURITY;

ALTER TABLE "service_principals" DROP COLUMN "secret_sealed",
DROP COLUMN "hint",
DROP COLUMN "set_at",
DROP COLUMN "last_used_at";
