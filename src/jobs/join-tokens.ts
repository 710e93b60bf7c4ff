/** Tokens that let a machine join: shown once, stored as hashes, bounded in time and uses. */
import type { Clock } from '../kernel/clock.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { hashOf, newCredential, newJoinToken, newNodeId } from './ids.ts'
import { checkProtocol, insertNode, type Nodes } from './nodes.ts'
import type { JoinReply } from './protocol.ts'
import { forUpdate } from './rows.ts'

export interface JoinTokenView {
  readonly id: number
  readonly name: string
  /** Enough of it to recognise it. */
  readonly prefix: string
  readonly created_at: string
  readonly expires_at: string | null
  readonly uses: number
  readonly uses_left: number | null
}

interface TokenRow {
  readonly id: number
  readonly name: string
  readonly prefix: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly uses: number
  readonly uses_left: number | null
}

const prefixLength = 12
const iso = (ms: number): string => new Date(ms).toISOString()

const view = (row: TokenRow): JoinTokenView => ({
  id: row.id,
  name: row.name,
  prefix: row.prefix,
  created_at: iso(row.created_at),
  expires_at: row.expires_at === null ? null : iso(row.expires_at),
  uses: row.uses,
  uses_left: row.uses_left,
})

/** A node is taken for gone, and its name free for whoever joins again, after this long. */
const nameFreeMs = 60_000

export class JoinTokens {
  readonly #db: Database
  readonly #clock: Clock
  readonly #nodes: Nodes

  constructor(db: Database, clock: Clock, nodes: Nodes) {
    this.#db = db
    this.#clock = clock
    this.#nodes = nodes
  }

  async create(input: {
    name: string
    createdBy: number
    expiresInMs: number | null
    uses: number | null
  }): Promise<JoinTokenView & { token: string }> {
    const token = newJoinToken()
    const now = this.#clock.now()
    const expiresAt = input.expiresInMs === null ? null : now + input.expiresInMs
    const [row] = await this.#db.rows<TokenRow>(sql`
      insert into jobs_join_token (name, hash, prefix, created_by, created_at, expires_at,
        uses_left, uses)
      values (${input.name}, ${hashOf(token)}, ${token.slice(0, prefixLength)},
        ${input.createdBy}, ${now}, ${expiresAt}, ${input.uses}, 0)
      returning *`)
    return { ...view(row!), token }
  }

  async list(): Promise<JoinTokenView[]> {
    const rows = await this.#db.rows<TokenRow>(sql`
      select * from jobs_join_token where revoked_at is null order by id`)
    return rows.map(view)
  }

  /** Nodes that joined with it stay. @throws HearthError `not_found` */
  async revoke(id: number): Promise<void> {
    const count = await this.#db.run(sql`
      update jobs_join_token set revoked_at = ${this.#clock.now()}
      where id = ${id} and revoked_at is null`)
    if (count === 0) throw new HearthError('not_found', `There is no join token ${id}`)
  }

  /**
   * Exchanges a token for a credential. A machine that lost its state joins again as the node it
   * was, when that one is gone and had the same token; the old credential is void then.
   * @throws HearthError `unauthorized`, `upgrade_required`
   */
  async join(input: {
    token: string
    name: string
    protocol: string
    version: string
  }): Promise<JoinReply> {
    checkProtocol(input.protocol, input.version)
    const credential = newCredential()
    const hash = hashOf(credential)
    const node = await this.#db.transaction(async (tx) => {
      const tokenId = await this.#use(tx, input.token)
      const known = await this.#abandoned(tx, input.name, tokenId)
      const nowMs = this.#clock.now()
      if (known !== null) {
        await tx.run(sql`update jobs_node set credential_hash = ${hash} where id = ${known}`)
        return known
      }
      const id = newNodeId()
      await insertNode(tx, { id, name: input.name, hash, tokenId, nowMs })
      return id
    })
    this.#nodes.forget(node)
    return { node, credential }
  }

  async #use(tx: Transaction, token: string): Promise<number> {
    const now = this.#clock.now()
    const [row] = await tx.rows<TokenRow & { revoked_at: number | null }>(sql`
      select * from jobs_join_token where hash = ${hashOf(token)} ${forUpdate(tx)}`)
    const refusal = !row
      ? 'This join token is not known'
      : row.revoked_at !== null
        ? 'This join token was revoked'
        : row.expires_at !== null && row.expires_at <= now
          ? 'This join token has expired'
          : row.uses_left === 0
            ? 'This join token was used as often as it may be'
            : null
    if (!row || refusal !== null) throw new HearthError('unauthorized', refusal ?? undefined)
    await tx.run(sql`
      update jobs_join_token set uses = uses + 1, uses_left = uses_left - 1 where id = ${row.id}`)
    return row.id
  }

  async #abandoned(tx: Transaction, name: string, tokenId: number): Promise<string | null> {
    const [row] = await tx.rows<{ id: string }>(sql`
      select id from jobs_node where name = ${name} and join_token_id = ${tokenId}
        and removed_at is null and heard_at < ${this.#clock.now() - nameFreeMs}`)
    return row?.id ?? null
  }
}
