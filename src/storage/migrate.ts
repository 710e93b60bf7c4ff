/** Forward-only migrations, per plugin, hashed and locked. */
import type { DialectName } from './database.ts'

/** Words of the one SQL text that the two dialects spell differently. */
export interface MigrationWords {
  readonly dialect: DialectName
  /** An integer primary key that counts by itself. */
  readonly id: string
  readonly blob: string
  /** 64-bit integer. */
  readonly big: string
  /** 64-bit float that keeps NaN and the infinities. */
  readonly real: string
  readonly bool: string
  readonly json: string
}

export interface Migration {
  /** `0001_what_it_does`: applied in order of name, never changed once released. */
  readonly name: string
  /** The statements, each ended by `;`, on tables named `<plugin id>_*` only. */
  up(words: MigrationWords): string
}
