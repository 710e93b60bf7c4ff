/** Prepares a folder as an agent's process would, and kills itself after so many bytes came. */
import { appendFileSync } from 'node:fs'
import { openInputCache } from '../../../runners/workspace/input-cache.ts'
import { prepareWorkspace } from '../../../runners/workspace/prepare.ts'
import { digest, input } from './fixture.ts'
import { contentOf } from './kill-contents.ts'

const [folder = '', cacheDir = '', requests = '', killAfterBytes = ''] = process.argv.slice(2)
const blobs = new Map(Object.values(contentOf).map((text) => [digest(text), Buffer.from(text)]))
const pieceBytes = 8192
let cameBytes = 0

await prepareWorkspace({
  folder,
  plan: { files: Object.entries(contentOf).map(([path, content]) => input(path, content)) },
  checkpoint: null,
  cache: await openInputCache(cacheDir, { maxBytes: 2 ** 20 }),
  fetchBlob: async (sha256, offset) => {
    appendFileSync(requests, `${offset}\n`)
    const blob = blobs.get(sha256) ?? Buffer.alloc(0)
    const pieces = async function* () {
      for (let at = offset; at < blob.length; at += pieceBytes) {
        if (cameBytes >= Number(killAfterBytes)) process.kill(process.pid, 'SIGKILL')
        cameBytes += Math.min(pieceBytes, blob.length - at)
        yield blob.subarray(at, at + pieceBytes)
      }
    }
    return { offset, bytes: pieces() }
  },
})
