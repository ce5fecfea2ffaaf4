-- What each replica knows of itself alone, for the operator: counts and sizes, nothing of any tenant. A process of an
-- older version leaves it empty.
ALTER TABLE "replicas" ADD COLUMN "vitals" JSONB;
ALTER TABLE "replicas" ADD COLUMN "vitals_at" TIMESTAMPTZ(3);
ALTER TABLE "replicas" ADD CONSTRAINT "replicas_vitals_size" CHECK (length("vitals"::text) <= 8192);
