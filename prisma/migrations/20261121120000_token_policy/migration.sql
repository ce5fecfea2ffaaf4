-- AlterTable
ALTER TABLE "app_connections" ADD COLUMN     "absolute_session_minutes" INTEGER,
ADD COLUMN     "fault_code" TEXT,
ADD COLUMN     "fault_count" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "fault_next_try_at" TIMESTAMPTZ(3),
ADD COLUMN     "has_single_use_refresh_tokens" BOOLEAN,
ADD COLUMN     "refresh_token_ttl_minutes" INTEGER;

-- AlterTable
ALTER TABLE "grant_tokens" ADD COLUMN     "refresh_issued_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "grants" ADD COLUMN     "signed_in_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "first_admin_email" TEXT;
