/** Everybody's own settings. Keys are sealed in the table, and never shown again. */
import { type Auth, type Database, sql } from '../../src/sdk.ts'
import type { Framework } from './frameworks.ts'

export const providers = ['None', 'OpenAI', 'Anthropic', 'Mock (for testing)'] as const

export interface Preferences {
  readonly framework: Framework
  /** The last is a name of the document's: like `None`, no language model is asked. */
  readonly llmProvider: (typeof providers)[number]
  readonly maxEpisodes: number
  readonly learningRate: number
  readonly autoSave: boolean
}

export interface Keys {
  readonly openaiKey: string
  readonly anthropicKey: string
}

const defaults: Preferences = {
  framework: 'Native',
  llmProvider: 'None',
  maxEpisodes: 200,
  learningRate: 0.001,
  autoSave: true,
}
/** What is shown of a key. A page may send it back: that changes nothing. */
export const mask = '********'

const noKeys: Keys = { openaiKey: '', anthropicKey: '' }

interface Stored {
  readonly preferences: Partial<Preferences>
  readonly keys: Keys
}

export class SettingsStore {
  readonly #db: Database
  readonly #auth: Auth

  constructor(db: Database, auth: Auth) {
    this.#db = db
    this.#auth = auth
  }

  async of(ownerId: number): Promise<Preferences> {
    return { ...defaults, ...(await this.#read(ownerId)).preferences }
  }

  async keysOf(ownerId: number): Promise<Keys> {
    return (await this.#read(ownerId)).keys
  }

  /** null means unchanged, as does what is left out. */
  async change(
    ownerId: number,
    given: { readonly [Name in keyof (Preferences & Keys)]?: (Preferences & Keys)[Name] | null },
  ): Promise<void> {
    const { preferences, keys } = await this.#read(ownerId)
    const { openaiKey, anthropicKey, ...others } = given
    const meant = Object.entries(others).filter(([, value]) => value !== null)
    const sealer = await this.#auth.sealer('scenarios')
    const sealed = await sealer.seal(String(ownerId), {
      openaiKey: isNew(openaiKey) ? openaiKey : keys.openaiKey,
      anthropicKey: isNew(anthropicKey) ? anthropicKey : keys.anthropicKey,
    })
    const data = JSON.stringify({ ...preferences, ...Object.fromEntries(meant), sealed })
    await this.#db.run(sql`insert into scenarios_settings (owner_id, data)
      values (${ownerId}, ${data}) on conflict (owner_id) do update set data = ${data}`)
  }

  async #read(ownerId: number): Promise<Stored> {
    const [row] = await this.#db.rows<{ data: string }>(sql`
      select data from scenarios_settings where owner_id = ${ownerId}`)
    if (!row) return { preferences: {}, keys: noKeys }
    type Row = Partial<Preferences & Keys> & { readonly sealed?: string }
    // Rows of earlier versions have their keys as they were given, until the next change.
    const {
      sealed,
      openaiKey = '',
      anthropicKey = '',
      ...preferences
    } = JSON.parse(row.data) as Row
    if (sealed === undefined) return { preferences, keys: { openaiKey, anthropicKey } }
    const sealer = await this.#auth.sealer('scenarios')
    // Sealed with a key that the server no longer has: as good as none, to be given again.
    const keys = await sealer.open(String(ownerId), sealed).catch(() => noKeys)
    return { preferences, keys: { ...noKeys, ...keys } }
  }
}

const isNew = (key: string | null | undefined): key is string =>
  typeof key === 'string' && key !== mask
