-- Since when others know that a grant needs somebody; null: nobody was told.
ALTER TABLE "grants" ADD COLUMN "announced_at" TIMESTAMPTZ(3);
-- How many days before its end it was last told that a secret ends, the fewest; null: not yet.
ALTER TABLE "client_secrets" ADD COLUMN "expiry_told" INTEGER;
ALTER TABLE "service_keys" ADD COLUMN "expiry_told" INTEGER;
ALTER TABLE "scim_tokens" ADD COLUMN "expiry_told" INTEGER;
