-- Weft's own signing keys, above the tenants: each private key sealed with a data key of its own.
CREATE TABLE "signing_keys" (
    "kid" TEXT NOT NULL,
    "public_jwk" TEXT NOT NULL,
    "private_sealed" TEXT NOT NULL,
    "wrapped" TEXT NOT NULL,
    "kek_kid" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "signs_from" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "signing_keys_pkey" PRIMARY KEY ("kid")
);

ALTER TABLE "signing_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "signing_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "signing_keys_platform" ON "signing_keys" USING (weft_lookup() = 'signing_keys') WITH CHECK (weft_lookup() = 'signing_keys');

-- Tokens carry their own facts, signed, and are stored nowhere.
DROP TABLE "service_tokens";
