# Weft alone, without the local stack. The root file system may be read-only; nothing is written to disk.

FROM node:24.21.0-slim AS build
WORKDIR /weft
COPY package.json package-lock.json ./
# No install script is needed: the image brings Node, and the database client is generated without Prisma's
# native engine (prisma.config.ts).
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY prisma.config.ts ./
COPY prisma ./prisma
RUN node node_modules/prisma/build/index.js generate
COPY tsconfig.json ./
COPY docs/openapi.json ./docs/openapi.json
COPY src ./src
# The pages are built here and served as files; what they are made from stays behind.
RUN node src/ui/build/build.ts && mv src/ui/dist dist && rm -rf src/ui src/setup.mjs && \
  mkdir src/ui && mv dist src/ui/dist
# Peers are the CLI and its studio, which nothing here starts.
RUN npm prune --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund
# What Node makes of all that a start loads, half of a start's time: made by the user that will read it, and nobody's
# to write afterwards. Whoever runs as another user, or on another kind of processor, does without.
RUN install -d -o node compiled
USER node
RUN NODE_COMPILE_CACHE=/weft/compiled node --disable-sigusr1 src/main.ts --help
USER root
RUN chmod -R a+rX compiled

FROM node:24.21.0-slim
# Weft runs node and nothing else: no package manager to be turned against it.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
  /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
# `docker exec … weft doctor`.
RUN printf '#!/bin/sh\nexec node --disable-sigusr1 /weft/src/main.ts "$@"\n' > /usr/local/bin/weft && \
  chmod 755 /usr/local/bin/weft
ENV NODE_ENV=production
ENV NODE_COMPILE_CACHE=/weft/compiled
WORKDIR /weft
COPY --from=build /weft/package.json ./
COPY --from=build /weft/node_modules ./node_modules
COPY --from=build /weft/prisma ./prisma
COPY --from=build /weft/src ./src
COPY --from=build /weft/compiled ./compiled
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.WEFT_PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# A signal goes straight to Weft, which drains and closes.
# Nor does a signal open the inspector.
CMD ["node", "--disable-sigusr1", "src/main.ts"]
