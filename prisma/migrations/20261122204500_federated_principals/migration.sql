-- A service principal can go without a secret: Weft shows who it is by a JWT that it signs.
ALTER TABLE "service_principals" ADD COLUMN "is_federated" BOOLEAN NOT NULL DEFAULT false;
