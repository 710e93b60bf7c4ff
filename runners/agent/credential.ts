/** How a node proves who it is: a credential of its own, got once for a join token. */
import { chmod, mkdir, stat } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { type Static, Type as t } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { protocolVersion } from '../../src/jobs/protocol.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { join, type Transport } from './wire.ts'

const Credential = t.Object({
  /** Of the server that gave it: no other is ever shown it. */
  server: t.String(),
  node: t.String(),
  credential: t.String(),
})
export type Credential = Static<typeof Credential>

export interface JoinOptions {
  readonly stateDir: string
  readonly server: string
  readonly transport: Transport
  /** A join token; not needed when the node has joined before. */
  readonly token?: string
  readonly name: string
  readonly version: string
}

/** There is neither a credential nor a token to get one with. */
export class NotJoinedError extends Error {
  override readonly name = 'NotJoinedError'
}

const fileOf = (stateDir: string) => joinPath(stateDir, 'node.json')

/**
 * A token that is given is used, also by a node that has joined before: whoever gives one wants a
 * new credential. One that was used already leads back to the credential it was used for.
 * @throws NotJoinedError
 */
export const credentialOf = async (options: JoinOptions): Promise<Credential> => {
  const { stateDir, server, transport, token, name, version } = options
  const known = await readCredential(stateDir)
  const digest = token === undefined ? null : new Bun.CryptoHasher('sha256').update(token)
  const tokenSha256 = digest?.digest('hex') ?? null
  if (known && known.server === server && (token === undefined || known.joined === tokenSha256)) {
    return known
  }
  if (token === undefined || tokenSha256 === null) {
    throw new NotJoinedError(
      known
        ? `This node has joined ${known.server}, not ${server}: give it a join token with --token`
        : `This node has not joined ${server} yet: give it a join token with --token`,
    )
  }
  const reply = await join(transport, { token, name, protocol: protocolVersion, version })
  const credential = { server, node: reply.node, credential: reply.credential }
  await writeCredential(stateDir, credential, tokenSha256)
  return credential
}

const writeCredential = async (
  stateDir: string,
  credential: Credential,
  joined: string,
): Promise<void> => {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  await writeDurably(fileOf(stateDir), `${JSON.stringify({ ...credential, joined })}\n`, 0o600)
}

const readCredential = async (
  stateDir: string,
): Promise<(Credential & { readonly joined?: string }) | null> => {
  const text = await readIfThere(fileOf(stateDir))
  if (text === null) return null
  const value: unknown = JSON.parse(text)
  if (!Value.Check(Credential, value)) throw new Error(`${fileOf(stateDir)} is not readable`)
  // Copied around by hand, it may have become readable to everybody.
  if (((await stat(fileOf(stateDir))).mode & 0o077) !== 0) await chmod(fileOf(stateDir), 0o600)
  return value
}
