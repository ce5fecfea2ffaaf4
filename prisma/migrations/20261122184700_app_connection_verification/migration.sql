-- AlterTable
ALTER TABLE "app_connections" ADD COLUMN     "verification" JSONB,
ADD COLUMN     "verification_checked_at" TIMESTAMPTZ(3);
