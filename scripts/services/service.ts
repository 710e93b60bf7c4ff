/** What provisioning a service gives: the variables that lead tests to it, and how to end it. */
export interface Service {
  readonly name: string
  /** How it was come by, for the person who reads the log. */
  readonly note: string
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** A service that was there before us and stays. */
export const found = (name: string, note: string, env: Record<string, string>): Service => ({
  name,
  note,
  env,
  stop: async () => {},
})
