/** Inputs of the killed preparation: small ones for the cache, one too large for it. */

export const contentOf: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`small/${n}.txt`, `${n},`.repeat(2000 + n)]),
  ),
  'large.bin': 'large'.repeat(100_000),
}
