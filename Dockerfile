# syntax=docker/dockerfile:1
# The image holds the package's files and its production dependencies, and runs as nobody in particular. It may run with a
# read-only root: what it keeps is in /data, what it reads (causeway.yaml, mappings, connectors) in /hub.

# What it makes is the same for every architecture, so it is never emulated.
FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-trixie-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-trixie-slim
# A hub installs nothing, so what installs is left out.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-* \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg \
 && groupadd --gid 10001 causeway && useradd --uid 10001 --gid causeway --no-create-home --shell /usr/sbin/nologin causeway \
 && mkdir /hub /data && chown causeway:causeway /hub /data

WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /build/dist dist
COPY package.json LICENSE README.md CHANGELOG.md ./
COPY bin bin
COPY connectors connectors
COPY src/cli/template src/cli/template

LABEL org.opencontainers.image.title="Causeway" org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.description="Integration middleware that keeps the systems of a company in step" \
      org.opencontainers.image.version="0.1.0" org.opencontainers.image.base.name="docker.io/library/node:24-trixie-slim"
ENV NODE_ENV=production CAUSEWAY_HOST=0.0.0.0 CAUSEWAY_DATA_DIR=/data
USER 10001:10001
WORKDIR /hub
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "/app/bin/livez.mjs"]
ENTRYPOINT ["node", "/app/bin/causeway.mjs"]
CMD ["start"]
