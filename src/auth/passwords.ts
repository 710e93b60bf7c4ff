/** Passwords are kept as Argon2id hashes, and checking one for nobody costs the same. */
import { createGate } from '../kernel/gate.ts'

/** What one hash costs. */
export interface PasswordCost {
  readonly memoryKiB: number
  readonly passes: number
}

/** OWASP's recommendation for Argon2id with one lane. */
const recommendedCost: PasswordCost = { memoryKiB: 19 * 1024, passes: 2 }

/** Hashes at once: each holds its memory and a thread of Bun's pool while it runs. */
const maxHashing = 2
const maxWaiting = 500

export interface Passwords {
  hash(password: string): Promise<string>
  /**
   * Whether the password belongs to the hash. Without a hash the same work is done in vain.
   * `onTurn` runs right before the work, after the wait for a free place; what it throws is thrown.
   */
  verify(password: string, hash: string | null, onTurn?: () => void): Promise<boolean>
  /** True when the hash was made at another cost than today's. */
  isOutdated(hash: string): boolean
}

export const createPasswords = (cost: PasswordCost = recommendedCost): Passwords => {
  const gate = createGate(maxHashing, maxWaiting)
  const head = `$argon2id$v=19$m=${cost.memoryKiB},t=${cost.passes},p=1$`
  const nobody = head + unpadded(randomBytes(32)) + '$' + unpadded(randomBytes(32))

  return {
    hash: (password) =>
      gate(() =>
        Bun.password.hash(canonical(password), {
          algorithm: 'argon2id',
          memoryCost: cost.memoryKiB,
          timeCost: cost.passes,
        }),
      ),
    verify: (password, hash, onTurn) =>
      gate(async () => {
        onTurn?.()
        const matches = await Bun.password.verify(canonical(password), hash ?? nobody)
        return matches && hash !== null
      }),
    isOutdated: (hash) => !hash.startsWith(head),
  }
}

/** One password typed on two keyboards can differ in code points; its canonical form does not. */
const canonical = (password: string): string => password.normalize('NFC')

const randomBytes = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count))

const unpadded = (bytes: Uint8Array): string => bytes.toBase64({ omitPadding: true })
