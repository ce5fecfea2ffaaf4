-- What is signed to last – heads of the audit trail – is checked long after its key is gone.
CREATE TABLE "retired_signing_keys" (
    "kid" TEXT NOT NULL,
    "public_jwk" TEXT NOT NULL,
    "retired_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "retired_signing_keys_pkey" PRIMARY KEY ("kid")
);

ALTER TABLE "retired_signing_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "retired_signing_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "retired_signing_keys_platform" ON "retired_signing_keys" USING (weft_lookup() = 'signing_keys') WITH CHECK (weft_lookup() = 'signing_keys');
