/** Who is asking: the answer that authentication gives to the rest of the program. */
export interface Who {
  readonly id: number
  readonly username: string
  readonly isSuperuser: boolean
  /** How the caller proved it; `local` is the implicit user of an open, loopback-only server. */
  readonly via: 'jwt' | 'key' | 'local'
}
