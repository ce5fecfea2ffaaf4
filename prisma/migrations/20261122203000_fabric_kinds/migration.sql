-- What Spark fabrics have beside a cluster, and what is depended upon.
ALTER TABLE "fabrics" ADD COLUMN     "is_serverless" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "job_sizes" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "is_production" BOOLEAN NOT NULL DEFAULT false;
