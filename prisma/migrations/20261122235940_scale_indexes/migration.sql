-- What a page, a filter or an admin's deed asks for, where a tenant has a hundred thousand fabrics, a million
-- grants and as many audit events.
DROP INDEX "fabrics_tenant_id_team_id_idx";
CREATE INDEX "fabrics_tenant_id_team_id_id_idx" ON "fabrics"("tenant_id", "team_id", "id");
CREATE INDEX "fabrics_tenant_id_workspace_origin_id_idx" ON "fabrics"("tenant_id", "workspace_origin", "id");
CREATE INDEX "service_account_fabrics_tenant_id_fabric_id_idx" ON "service_account_fabrics"("tenant_id", "fabric_id");
CREATE INDEX "grants_app_connection_idx" ON "grants"("tenant_id", "app_connection_id", "workspace_origin", "signed_in_at");
CREATE INDEX "grants_misconfigured_idx" ON "grants" ("tenant_id", "app_connection_id") WHERE "state" = 'misconfigured';
CREATE INDEX "audit_events_tenant_id_actor_id_seq_idx" ON "audit_events"("tenant_id", "actor_id", "seq");
CREATE INDEX "audit_events_tenant_id_fabric_id_seq_idx" ON "audit_events"("tenant_id", "fabric_id", "seq");
CREATE INDEX "audit_events_tenant_id_action_seq_idx" ON "audit_events"("tenant_id", "action", "seq");
