-- From where a service account may come, whether it may at all, and from where a key was last used.
ALTER TABLE "service_accounts"
    ADD COLUMN "allowed_networks" TEXT[] NOT NULL DEFAULT '{}',
    ADD COLUMN "is_disabled" BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE "service_keys" ADD COLUMN "last_used_from" TEXT;
