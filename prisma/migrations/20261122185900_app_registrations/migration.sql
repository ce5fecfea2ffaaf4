-- The id under which the provider's account keeps what Weft registered there; null: Weft registered nothing.
ALTER TABLE "app_connections" ADD COLUMN "registration_id" TEXT;
-- Since when a registration is under way; what a process that died then left at the account is ours to delete.
ALTER TABLE "app_connections" ADD COLUMN "registration_begun_at" TIMESTAMPTZ(3);
