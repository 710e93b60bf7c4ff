/** Keeps long work from holding up everything else on the one thread. */

/** Lets whatever is ready go first: requests, timers, other work that breathes. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
