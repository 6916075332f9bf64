# The provider only: one binary and a C library, without a shell, as an unprivileged user. The root file system may be read-only.
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) -t latchkey . && docker run --rm latchkey help

FROM oven/bun:1.4.5 AS build
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production
COPY tsconfig.json ./
COPY scripts/build.ts scripts/build.ts
COPY views views
COPY kits kits
COPY languages languages
COPY src src
# The repository is not copied: the commit that `latchkey version` names comes as an argument.
ARG COMMIT=unknown
RUN COMMIT=$COMMIT bun scripts/build.ts /build/latchkey && mkdir /build/data

FROM gcr.io/distroless/base-nossl-debian12:nonroot
COPY --from=build /build/latchkey /usr/local/bin/latchkey
# For a SQLite file (the default in production) or files of keys. compose.yaml uses Redis and mounts nothing here.
COPY --from=build --chown=65532:65532 /build/data /data
WORKDIR /data
USER 65532:65532
ENV NODE_ENV=production HOST=0.0.0.0 PORT=5000
EXPOSE 5000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --start-interval=1s --retries=3 CMD ["/usr/local/bin/latchkey", "health"]
ENTRYPOINT ["/usr/local/bin/latchkey"]
CMD ["serve"]
