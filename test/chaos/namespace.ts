/** A second network on this machine, joined to ours by one cable that can be pulled. */
import { must, run } from '../../scripts/command.ts'

export interface Namespace extends AsyncDisposable {
  /** Our end of the cable. */
  readonly address: string
  /** Put before a command, it runs over there. */
  readonly prefix: readonly string[]
  pull(): Promise<void>
  plugIn(): Promise<void>
}

/** Needs root. */
export const makeNamespace = async (): Promise<Namespace> => {
  // Both go into names of interfaces, of which the kernel takes 15 characters.
  const tag = crypto.randomUUID().slice(0, 8)
  const name = `hearth-${tag}`
  const ours = `he-${tag}`
  const theirs = `hi-${tag}`
  const [third, fourth] = [
    Number.parseInt(tag.slice(0, 2), 16),
    Number.parseInt(tag.slice(2, 4), 16) & 252,
  ]
  const address = `10.213.${third}.${fourth + 1}`
  const far = `10.213.${third}.${fourth + 2}`
  const inside = ['ip', 'netns', 'exec', name]
  await must(['ip', 'netns', 'add', name])
  try {
    for (const step of [
      ['ip', 'link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs],
      ['ip', 'link', 'set', theirs, 'netns', name],
      ['ip', 'address', 'add', `${address}/30`, 'dev', ours],
      ['ip', 'link', 'set', ours, 'up'],
      [...inside, 'ip', 'address', 'add', `${far}/30`, 'dev', theirs],
      [...inside, 'ip', 'link', 'set', theirs, 'up'],
      [...inside, 'ip', 'link', 'set', 'lo', 'up'],
    ]) {
      await must(step)
    }
  } catch (error) {
    await run(['ip', 'netns', 'delete', name])
    throw error
  }
  return {
    address,
    prefix: inside,
    pull: async () => void (await must(['ip', 'link', 'set', ours, 'down'])),
    plugIn: async () => void (await must(['ip', 'link', 'set', ours, 'up'])),
    // The cable goes with the end of it that is inside.
    [Symbol.asyncDispose]: async () => void (await must(['ip', 'netns', 'delete', name])),
  }
}
