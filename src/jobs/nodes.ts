/** The machines that run jobs: how they join, prove who they are, and are sent away. */
import type { Clock } from '../kernel/clock.ts'
import { bearerOf } from '../auth/bearer.ts'
import { HearthError } from '../kernel/errors.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { sql } from '../storage/sql.ts'
import { hashOf, newCredential, newNodeId } from './ids.ts'
import { type Capacity, protocolVersion } from './protocol.ts'
import { forUpdate } from './rows.ts'

export interface Node {
  readonly id: string
  readonly name: string
  readonly boot: string | null
  /** A boot that another one has replaced: whoever still speaks for it is a second copy. */
  readonly bootBefore: string | null
  readonly version: string | null
  readonly capacity: Capacity | null
  readonly accepting: boolean
  readonly draining: boolean
  /** Grows while the node is heard of: servers compare it instead of their clocks. */
  readonly beats: number
  readonly heardAt: number
  readonly joinedAt: number
}

interface NodeRow {
  readonly id: string
  readonly name: string
  readonly boot: string | null
  readonly boot_before: string | null
  readonly version: string | null
  readonly capacity: string | null
  readonly accepting: boolean | number
  readonly draining: boolean | number
  readonly beats: number
  readonly heard_at: number
  readonly joined_at: number
}

const fromRow = (row: NodeRow): Node => ({
  id: row.id,
  name: row.name,
  boot: row.boot,
  bootBefore: row.boot_before,
  version: row.version,
  capacity: row.capacity === null ? null : (JSON.parse(row.capacity) as Capacity),
  accepting: Boolean(row.accepting),
  draining: Boolean(row.draining),
  beats: row.beats,
  heardAt: row.heard_at,
  joinedAt: row.joined_at,
})

/** A node whose credential was revoked on another server is let in this much longer. */
const cacheMs = 3000
const maxCached = 20_000

/** @throws HearthError `upgrade_required` when the two would not understand each other */
export const checkProtocol = (protocol: string, version: string): void => {
  const [major] = protocol.split('.')
  const [ours] = protocolVersion.split('.')
  if (major === ours) return
  throw new HearthError(
    'upgrade_required',
    `This server speaks protocol ${protocolVersion}, the agent (${version}) ${protocol}: ` +
      'run the same version of hearth on both',
  )
}

export class Nodes {
  readonly #db: Database
  readonly #clock: Clock
  readonly #cache = new Map<string, { node: Node; untilMs: number }>()
  #ownId: string | undefined

  constructor(db: Database, clock: Clock) {
    this.#db = db
    this.#clock = clock
  }

  /** The node that sent a request. @throws HearthError `unauthorized` */
  async of(request: Request): Promise<Node> {
    const token = bearerOf(request)
    const node = token?.startsWith('hnode_') ? await this.#byHash(hashOf(token)) : null
    if (node) return node
    throw new HearthError('unauthorized', 'This needs the credential of a node', {
      headers: { 'WWW-Authenticate': 'Bearer' },
    })
  }

  async #byHash(hash: string): Promise<Node | null> {
    const cached = this.#cache.get(hash)
    if (cached && cached.untilMs > this.#clock.now()) return cached.node
    this.#cache.delete(hash)
    const [row] = await this.#db.rows<NodeRow>(sql`
      select * from jobs_node where credential_hash = ${hash} and removed_at is null`)
    if (!row) return null
    const node = fromRow(row)
    this.#cache.set(hash, { node, untilMs: this.#clock.now() + cacheMs })
    if (this.#cache.size > maxCached) this.#cache.delete(this.#cache.keys().next().value as string)
    return node
  }

  /** To be called after a change of a node. */
  forget(id: string): void {
    for (const [hash, { node }] of this.#cache) if (node.id === id) this.#cache.delete(hash)
  }

  async all(): Promise<Node[]> {
    const rows = await this.#db.rows<NodeRow>(sql`
      select * from jobs_node where removed_at is null order by name, id`)
    return rows.map(fromRow)
  }

  /** @throws HearthError `not_found` */
  async get(id: string): Promise<Node> {
    const [row] = await this.#db.rows<NodeRow>(sql`
      select * from jobs_node where id = ${id} and removed_at is null`)
    if (!row) throw new HearthError('not_found', `There is no node ${id}`)
    return fromRow(row)
  }

  /** Names of nodes, of removed ones too: a job may have run there. */
  async names(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db.rows<{ id: string; name: string }>(
      sql`select id, name from jobs_node`,
    )
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  /** What a sync says of the node, when it is news. */
  async update(
    node: Node,
    now: { boot: string; version: string; capacity: Capacity; accepting: boolean },
  ): Promise<Node> {
    const isEarlier = lifeOf(now.boot) < lifeOf(node.boot)
    if (now.boot !== node.boot && (now.boot === node.bootBefore || isEarlier)) {
      throw new HearthError(
        'conflict',
        `Another copy of this agent took over node ${node.name}; this one must not go on`,
      )
    }
    const capacity = JSON.stringify(now.capacity)
    const same =
      now.boot === node.boot &&
      now.version === node.version &&
      now.accepting === node.accepting &&
      capacity === JSON.stringify(node.capacity)
    if (same) return node
    const before = now.boot === node.boot ? node.bootBefore : node.boot
    await this.#db.run(sql`
      update jobs_node set boot = ${now.boot}, boot_before = ${before}, version = ${now.version},
        capacity = ${capacity}, accepting = ${now.accepting} where id = ${node.id}`)
    this.forget(node.id)
    return this.get(node.id)
  }

  async setDraining(id: string, draining: boolean): Promise<Node> {
    await this.get(id)
    await this.#db.run(sql`update jobs_node set draining = ${draining} where id = ${id}`)
    this.forget(id)
    return this.get(id)
  }

  /**
   * Its credential is void from here on.
   * @throws HearthError `conflict` for the server's own node, which would be lost until a restart
   */
  async remove(id: string): Promise<void> {
    await this.get(id)
    if (id === this.#ownId) {
      throw new HearthError(
        'conflict',
        'This is the server’s own node: drain it, or start the server with LOCAL_SLOTS=0',
      )
    }
    await this.#db.run(sql`update jobs_node set removed_at = ${this.#clock.now()},
      credential_hash = ${`removed ${id}`} where id = ${id}`)
    this.forget(id)
  }

  /** The node that this server runs itself: the same one again, under a new credential. */
  async own(id: string | undefined): Promise<{ node: string; credential: string }> {
    const credential = newCredential()
    const hash = hashOf(credential)
    const renewed = await this.#db.run(sql`update jobs_node set credential_hash = ${hash}
      where id = ${id ?? ''} and removed_at is null`)
    if (id !== undefined && renewed > 0) {
      this.#ownId = id
      this.forget(id)
      return { node: id, credential }
    }
    const node = newNodeId()
    this.#ownId = node
    await this.#db.transaction((tx) =>
      insertNode(tx, { id: node, name: 'local', hash, tokenId: null, nowMs: this.#clock.now() }),
    )
    return { node, credential }
  }
}

/** Which life of its agent a boot is, as far as it says; 0 otherwise. */
const lifeOf = (boot: string | null): number => Number(/^(\d{1,15})\./.exec(boot ?? '')?.[1] ?? 0)

export interface NewNode {
  readonly id: string
  readonly name: string
  readonly hash: string
  readonly tokenId: number | null
  readonly nowMs: number
}

/** Adds a node under its name, or under the next free one like it. */
export const insertNode = async (tx: Transaction, node: NewNode): Promise<void> => {
  await tx.lock('jobs nodes')
  const rows = await tx.rows<{ name: string }>(sql`
    select name from jobs_node where removed_at is null ${forUpdate(tx)}`)
  const taken = new Set(rows.map(({ name }) => name))
  let name = node.name
  for (let n = 2; taken.has(name); n++) name = `${node.name}-${n}`
  await tx.run(sql`
    insert into jobs_node (id, name, credential_hash, join_token_id, accepting, draining, beats,
      heard_at, joined_at)
    values (${node.id}, ${name}, ${node.hash}, ${node.tokenId}, ${false}, ${false}, 0,
      ${node.nowMs}, ${node.nowMs})`)
}
