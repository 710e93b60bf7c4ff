/** Secrets at rest: sealed with keys that follow from the server's own, one for each purpose. */

export interface Sealer {
  /** `owner` is whose they are, for example the id of a job. */
  seal(owner: string, secrets: Readonly<Record<string, string>>): Promise<string>
  /** @throws when the server's key is another one now, or the text belongs to another owner */
  open(owner: string, sealed: string): Promise<Record<string, string>>
}

const nonceBytes = 12

export const createSealer = async (
  secretKey: Uint8Array<ArrayBuffer>,
  purpose: string,
): Promise<Sealer> => {
  const text = new TextEncoder()
  const master = await crypto.subtle.importKey('raw', secretKey, 'HKDF', false, ['deriveKey'])
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: text.encode('hearth'), info: text.encode(purpose) },
    master,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
  const cipher = (owner: string, iv: Uint8Array<ArrayBuffer>) => ({
    name: 'AES-GCM',
    iv,
    additionalData: text.encode(owner),
  })
  return {
    async seal(owner, secrets) {
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const plain = text.encode(JSON.stringify(secrets))
      const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(owner, iv), key, plain))
      return `${iv.toBase64()}.${sealed.toBase64()}`
    },
    async open(owner, sealed) {
      const [iv = '', bytes = ''] = sealed.split('.')
      const nonce = Uint8Array.fromBase64(iv)
      const plain = await crypto.subtle
        .decrypt(cipher(owner, nonce), key, Uint8Array.fromBase64(bytes))
        .catch((cause: unknown) => {
          throw new Error('Secrets cannot be read: SECRET_KEY has changed', { cause })
        })
      return JSON.parse(new TextDecoder().decode(plain)) as Record<string, string>
    },
  }
}
