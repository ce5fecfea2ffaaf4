// Prisma's CLI fetches a native engine at start; `prisma generate` doesn't need it, so any executable will do.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath

import { defineConfig } from 'prisma/config'

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // Only `prisma migrate` dials it, and a deployment that uses that names its owner role here.
  datasource: { url: process.env.WEFT_OWNER_DATABASE_URL ?? '' }
})
