# The server of `npm run serve`. Fragments are in the volume /data; more options go behind the name of the image.
# It is closed: `docker logs` shows a link to sign in, and docs/self-hosting.md says how to make a key.
FROM node:24-bookworm-slim
WORKDIR /app
RUN install -d -o node -g node /app /data
USER node
COPY --chown=node:node package.json package-lock.json ./
COPY --chown=node:node tools/dev/node-version.cjs tools/dev/
RUN npm ci
COPY --chown=node:node . .
RUN npm run serve -- --build-only
VOLUME /data
EXPOSE 8081
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8081/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "tools/dev/serve.ts", "--host=0.0.0.0", "--persist-to=/data"]
