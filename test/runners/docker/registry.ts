/** A registry on this machine that has one image, for engines to pull from. */
import { createHash } from 'node:crypto'

const digestOf = (bytes: Uint8Array | string) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const types = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

/** @param tar the files of the image */
export const startRegistry = (tar: Uint8Array<ArrayBuffer>, env: readonly string[]) => {
  const layer = Bun.gzipSync(tar)
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { Env: env },
      rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    }),
  )
  const part = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    size: bytes.length,
    digest: digestOf(bytes),
  })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: part(types.config, config),
    layers: [part(types.layer, layer)],
  })
  const blobs = new Map([config, layer].map((bytes) => [digestOf(bytes), bytes] as const))
  let asked = 0
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch({ url }) {
      const [, , ...path] = new URL(url).pathname.split('/')
      if (path.at(-2) === 'manifests') {
        if (path[0] !== 'trained') return new Response(null, { status: 404 })
        asked++
        const headers = {
          'content-type': types.manifest,
          'docker-content-digest': digestOf(manifest),
        }
        return new Response(manifest, { headers })
      }
      const blob = blobs.get(path.at(-1) ?? '')
      if (path.at(-2) === 'blobs') return new Response(blob, { status: blob ? 200 : 404 })
      return Response.json({})
    },
  })
  return {
    name: (image: string) => `127.0.0.1:${server.port}/${image}`,
    /** How often an engine wanted to know what there is. */
    asked: () => asked,
    stop: () => server.stop(true),
  }
}
