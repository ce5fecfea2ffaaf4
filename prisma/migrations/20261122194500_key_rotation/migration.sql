-- The key-encryption keys that wrap something, or have been told to: the last one promoted seals. That a key is
-- retired only when nothing is wrapped by it any more is a foreign key's doing.
CREATE TABLE "key_encryption_keys" (
    "kid" TEXT NOT NULL,
    "fingerprint" TEXT,
    "promoted_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "key_encryption_keys_pkey" PRIMARY KEY ("kid")
);

-- The processes that serve, and the keys that each has.
CREATE TABLE "replicas" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "sealing_kid" TEXT NOT NULL,
    "fingerprints" JSONB NOT NULL,

    CONSTRAINT "replicas_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "data_keys" ADD COLUMN "retired_at" TIMESTAMPTZ(3);

-- Keys that wrapped something before there was this list; forced row-level security binds the owner too.
ALTER TABLE "data_keys" NO FORCE ROW LEVEL SECURITY;
ALTER TABLE "signing_keys" NO FORCE ROW LEVEL SECURITY;
INSERT INTO "key_encryption_keys" ("kid", "promoted_at")
  SELECT "kek_kid", min("created_at") FROM (
    SELECT "kek_kid", "created_at" FROM "data_keys" UNION ALL SELECT "kek_kid", "created_at" FROM "signing_keys"
  ) used GROUP BY "kek_kid";
ALTER TABLE "data_keys" FORCE ROW LEVEL SECURITY;
ALTER TABLE "signing_keys" FORCE ROW LEVEL SECURITY;

CREATE INDEX "data_keys_kek_kid_idx" ON "data_keys"("kek_kid");
ALTER TABLE "data_keys" ADD CONSTRAINT "data_keys_kek_kid_fkey" FOREIGN KEY ("kek_kid") REFERENCES "key_encryption_keys"("kid") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "signing_keys" ADD CONSTRAINT "signing_keys_kek_kid_fkey" FOREIGN KEY ("kek_kid") REFERENCES "key_encryption_keys"("kid") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "key_encryption_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "key_encryption_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY "key_encryption_keys_platform" ON "key_encryption_keys" USING (weft_lookup() = 'key_ring') WITH CHECK (weft_lookup() = 'key_ring');
ALTER TABLE "replicas" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "replicas" FORCE ROW LEVEL SECURITY;
CREATE POLICY "replicas_platform" ON "replicas" USING (weft_lookup() = 'key_ring') WITH CHECK (weft_lookup() = 'key_ring');
