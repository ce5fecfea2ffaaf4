-- A personal access token is a grant of its person at a workspace, by no app connection.
ALTER TABLE "grants" DROP CONSTRAINT "grants_kind_check";
ALTER TABLE "grants" ADD CONSTRAINT "grants_kind_check" CHECK (
  ("kind" = 'user' AND "user_id" IS NOT NULL AND "app_connection_id" IS NOT NULL AND "fabric_id" IS NULL) OR
  ("kind" = 'pat' AND "user_id" IS NOT NULL AND "app_connection_id" IS NULL AND "fabric_id" IS NULL) OR
  ("kind" = 'service_principal' AND "fabric_id" IS NOT NULL AND "user_id" IS NULL AND "app_connection_id" IS NULL)
);
CREATE UNIQUE INDEX "grants_pat_key" ON "grants" ("tenant_id", "user_id", "workspace_origin") WHERE "kind" = 'pat';
