/**
 * How environments in other processes are spoken to: frames over two pipes, little endian.
 *
 * Both ways a frame is `u32 size of the rest, u32 verb or status, u32 environment, payload`.
 * Each environment's answers come in the order of its questions; `make` gives it its number, the
 * asker's choice.
 */

export const headerBytes = 12

/** A frame beyond this is no frame: the stream is out of step, or hostile. */
export const maxFrameBytes = 64 * 2 ** 20

/** Payload of the question -> of the answer. */
export const verbs = {
  /** JSON of what is wanted -> JSON of what it is. */
  open: 0,
  make: 1,
  /** `f64 seed` -> `f32[] observation` */
  reset: 2,
  /** `u32 action` -> `f64 reward, u32 flags, u32 0, f32[] observation` */
  step: 3,
  /** -> bytes that `load` takes; none: it cannot be saved. */
  save: 4,
  load: 5,
  close: 6,
} as const
export type Verb = keyof typeof verbs

/** The payload is the reason, in words. */
export const failed = 1

export const flags = { terminated: 1, truncated: 2 } as const

export const stepHeaderBytes = 16

/** A whole frame, ready to be written. */
export const frameOf = (kind: number, environment: number, payload: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(headerBytes + payload.byteLength)
  frame.writeUInt32LE(headerBytes - 4 + payload.byteLength, 0)
  frame.writeUInt32LE(kind, 4)
  frame.writeUInt32LE(environment, 8)
  frame.set(payload, headerBytes)
  return frame
}
