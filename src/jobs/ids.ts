/** Names and secrets that the server makes up. */

const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** 5 bits a letter, from the operating system's randomness. */
const random = (length: number): string => {
  let text = ''
  for (const byte of crypto.getRandomValues(new Uint8Array(length))) text += letters[byte & 31]
  return text
}

export const newJobId = (): string => `j${random(20)}`
export const newNodeId = (): string => `n${random(20)}`
export const newCredential = (): string => `hnode_${random(52)}`
export const newJoinToken = (): string => `hjoin_${random(40)}`

/** What is stored of a token: it cannot be turned back. */
export const hashOf = (token: string): string =>
  new Bun.CryptoHasher('sha256').update(token).digest('hex')
