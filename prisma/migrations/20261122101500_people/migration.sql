-- Who may still come in, and what an update was made against.
ALTER TABLE "memberships" ADD COLUMN "status" TEXT NOT NULL DEFAULT 'active';
ALTER TABLE "memberships" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "memberships" ADD COLUMN "last_login_at" TIMESTAMPTZ(3);
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_status_check" CHECK ("status" IN ('active', 'suspended'));

-- The owner is under row-level security too, so what stands is marked by a default and not by an update:
-- until now the one shared team of a tenant was the one that everybody joins.
ALTER TABLE "teams" ADD COLUMN "version" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "teams" ADD COLUMN "is_default" BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE "teams" ALTER COLUMN "is_default" SET DEFAULT false;
ALTER TABLE "teams" ADD CONSTRAINT "teams_kind_check" CHECK ("kind" IN ('shared', 'personal'));
