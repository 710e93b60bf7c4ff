/** The table of WebSocket paths: which plugin's channel answers an upgrade. */
import { Memoirist } from 'memoirist'
import type { Channel } from '../live/live.ts'
import { shapeOf, withoutSlash } from './routes.ts'

interface ChannelEntry<Owner> {
  readonly owner: Owner
  readonly channel: Channel
}

export interface ChannelMatch<Owner> extends ChannelEntry<Owner> {
  readonly params: Readonly<Record<string, string>>
}

export class ChannelTable<Owner> {
  readonly #router = new Memoirist<ChannelEntry<Owner>>()
  readonly #shapes = new Map<string, ChannelEntry<Owner>>()

  /** Adds a channel; answers the one it clashes with, if any. */
  add(owner: Owner, channel: Channel): ChannelEntry<Owner> | undefined {
    const shape = shapeOf(channel.path)
    const other = this.#shapes.get(shape)
    if (other) return other
    const entry = { owner, channel }
    this.#shapes.set(shape, entry)
    this.#router.add('GET', withoutSlash(channel.path), entry)
    return undefined
  }

  find(path: string): ChannelMatch<Owner> | undefined {
    if (this.#shapes.size === 0) return undefined
    const found = this.#router.find('GET', withoutSlash(path))
    return found ? { ...found.store, params: found.params } : undefined
  }
}
