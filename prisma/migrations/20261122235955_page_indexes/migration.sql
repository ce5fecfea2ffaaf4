-- Who signs in by an app connection, counted from the index alone; and drafts, which are few among many.
CREATE INDEX "grants_tenant_id_app_connection_id_user_id_idx" ON "grants"("tenant_id", "app_connection_id", "user_id");
CREATE INDEX "fabrics_tenant_id_status_id_idx" ON "fabrics"("tenant_id", "status", "id");
