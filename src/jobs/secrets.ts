/** Secrets of jobs at rest: sealed with a key that follows from the server's own. */

export interface Sealer {
  seal(jobId: string, secrets: Readonly<Record<string, string>>): Promise<string>
  /** @throws when the server's key is another one now, or the text belongs to another job */
  open(jobId: string, sealed: string): Promise<Record<string, string>>
}

const nonceBytes = 12

export const createSealer = async (secretKey: Uint8Array<ArrayBuffer>): Promise<Sealer> => {
  const text = new TextEncoder()
  const master = await crypto.subtle.importKey('raw', secretKey, 'HKDF', false, ['deriveKey'])
  const key = await crypto.subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: text.encode('hearth'), info: text.encode('jobs') },
    master,
    { name: 'AES-GCM', length: 256 },
    false,
    ['encrypt', 'decrypt'],
  )
  const cipher = (jobId: string, iv: Uint8Array<ArrayBuffer>) => ({
    name: 'AES-GCM',
    iv,
    additionalData: text.encode(jobId),
  })
  return {
    async seal(jobId, secrets) {
      const iv = crypto.getRandomValues(new Uint8Array(nonceBytes))
      const plain = text.encode(JSON.stringify(secrets))
      const sealed = new Uint8Array(await crypto.subtle.encrypt(cipher(jobId, iv), key, plain))
      return `${iv.toBase64()}.${sealed.toBase64()}`
    },
    async open(jobId, sealed) {
      const [iv = '', bytes = ''] = sealed.split('.')
      const nonce = Uint8Array.fromBase64(iv)
      const plain = await crypto.subtle
        .decrypt(cipher(jobId, nonce), key, Uint8Array.fromBase64(bytes))
        .catch((cause: unknown) => {
          throw new Error('The secrets of a job cannot be read: SECRET_KEY has changed', { cause })
        })
      return JSON.parse(new TextDecoder().decode(plain)) as Record<string, string>
    },
  }
}
