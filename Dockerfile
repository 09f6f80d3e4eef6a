# One Outcry node: docker build -t wsapp .
#
# Node and npm only fetch the dependencies. What runs is one binary, Bun, with the sources as they are, so the image has
# what the tests have tested; only the SDK for pages is built. Both stages stand on the same Debian, whose layer is
# therefore there once.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
# First what changes rarely: sources may change without fetching anything again.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
# Where Bun is depends on whether npm runs install scripts; the launcher's own search knows. It is the largest part by
# far, and npm's packages hold it twice, so they go once it is out.
COPY bin/find-bun.mjs bin/
RUN cp "$(node --eval 'import("./bin/find-bun.mjs").then((m) => process.stdout.write(m.findBun()))')" /usr/local/bin/bun \
  && bun --version \
  && rm -rf node_modules/bun node_modules/@oven node_modules/.bin
COPY bin/bundle.mjs bin/client-bundle.mjs bin/
COPY src src
RUN node bin/client-bundle.mjs

FROM debian:bookworm-slim
# A number, so that Kubernetes can see that it is not root. Nothing in here is writable for it, and nothing needs to be.
USER 10001:10001
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /usr/local/bin/bun /usr/local/bin/bun
COPY --from=dependencies /app/node_modules node_modules
COPY --from=dependencies /app/dist dist
COPY package.json LICENSE ./
COPY docker docker
COPY src src

# The public listener. The admin listener stays on the container's own loopback unless it is given a key and an address.
EXPOSE 8080

# Alive, not ready: a node without Redis still serves its own clients, and restarting it would not bring Redis back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["bun", "--no-env-file", "--eval", "const { ok } = await fetch(`http://127.0.0.1:${process.env.OUTCRY_PORT ?? 8080}/health/live`); process.exit(ok ? 0 : 1)"]

# Bun is the first process and gets SIGTERM itself: clients are told to come back elsewhere. A .env file that somebody
# mounts is not read: settings come from the real environment, where `docker inspect` shows them.
ENTRYPOINT ["bun", "--no-env-file", "/app/src/main.ts"]
CMD ["serve"]
