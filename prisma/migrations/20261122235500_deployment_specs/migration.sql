-- What a deployment was last given, sealed, so that it can be deployed anew from there.
ALTER TABLE "deployments" ADD COLUMN "spec_sealed" TEXT;
