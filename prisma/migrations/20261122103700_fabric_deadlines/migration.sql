-- AlterTable
ALTER TABLE "fabrics" ADD COLUMN     "connect_ms" INTEGER,
ADD COLUMN     "first_byte_ms" INTEGER,
ADD COLUMN     "idle_ms" INTEGER,
ADD COLUMN     "total_ms" INTEGER;
