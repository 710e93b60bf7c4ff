/** The one door to onnxruntime-node: opened when first needed, in the compiled binary too. */
import { dlopen } from 'bun:ffi'
import type * as Runtime from 'onnxruntime-node'
import { HearthError } from '../../../src/sdk.ts'

/** A network in the runtime, warm: `observation` in, `logits` out. */
export interface Network {
  /** Length of an observation; null: any. */
  readonly width: number | null
  /** Rows that it takes at once. */
  readonly maxRows: number
  /**
   * `rows` observations one after the other; answers as many rows of logits.
   * @throws HearthError `conflict` where the network itself fails
   */
  run(observations: Float32Array, rows: number): Promise<Float32Array>
  /** Gives back what it holds; it is not used any more. */
  release(): Promise<void>
}

export interface OnnxRuntime {
  readonly version: string
  /** @throws HearthError `conflict`: the bytes are no such network, and why */
  load(onnx: Uint8Array): Promise<Network>
}

const maxRows = 1024

/** @throws Error where the native library is not there for this machine */
export const openRuntime = async (): Promise<OnnxRuntime> => {
  const library = await libraryPath()
  // The compiled binary cannot find the library beside the addon: what is loaded already is found.
  if (library?.startsWith('/$bunfs/')) {
    dlopen(library, { OrtGetApiBase: { args: [], returns: 'ptr' } })
  }
  const loaded = (await import('onnxruntime-node')) as Loaded
  const { InferenceSession, Tensor, env } = loaded.InferenceSession ? loaded : loaded.default!
  const load = (onnx: Uint8Array) => loadNetwork(InferenceSession, Tensor, onnx)
  return { version: env.versions.node ?? '', load }
}

/** As a module of CommonJS comes out of the bundler. */
type Loaded = typeof Runtime & { readonly default?: typeof Runtime }

/** Only that of the machine gets into the binary: the conditions are known when it is built. */
const libraryPath = async (): Promise<string | undefined> => {
  if (process.platform === 'linux' && process.arch === 'x64') {
    const at = import('onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1', {
      with: { type: 'file' },
    })
    return (await at).default
  }
  if (process.platform === 'linux' && process.arch === 'arm64') {
    const at = import('onnxruntime-node/bin/napi-v6/linux/arm64/libonnxruntime.so.1', {
      with: { type: 'file' },
    })
    return (await at).default
  }
  if (process.platform === 'darwin' && process.arch === 'arm64') {
    const at = import('onnxruntime-node/bin/napi-v6/darwin/arm64/libonnxruntime.1.dylib', {
      with: { type: 'file' },
    })
    return (await at).default
  }
  return undefined
}

const loadNetwork = async (
  { create }: typeof Runtime.InferenceSession,
  Tensor: typeof Runtime.Tensor,
  onnx: Uint8Array,
): Promise<Network> => {
  if (Buffer.from(onnx.buffer, onnx.byteOffset, onnx.byteLength).includes(externalData)) {
    throw unusable('it refers to files beside it')
  }
  const session = await create(onnx, {
    // Small networks: more threads cost more than they bring, and wait with a busy loop.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 4,
  }).catch((error: unknown) => {
    throw unusable(error)
  })
  try {
    const { width, batch } = shapeOf(session)
    return {
      width,
      maxRows: batch ?? maxRows,
      async run(observations, rows) {
        const shape = [rows, observations.length / rows]
        const feeds = { observation: new Tensor('float32', observations, shape) }
        const { logits } = await session.run(feeds, ['logits']).catch((error: unknown) => {
          throw unusable(error)
        })
        if (logits?.dims.length !== 2 || logits.dims[0] !== rows) {
          throw unusable(`its logits have the shape [${logits?.dims}] for ${rows} observations`)
        }
        return logits.data as Float32Array
      },
      release: () => session.release(),
    }
  } catch (error) {
    await session.release()
    throw error
  }
}

/** The key `location` of an entry of `external_data`: it would be read off the server's disk. */
const externalData = Buffer.from('\n\x08location')

const shapeOf = ({ inputMetadata, outputMetadata }: Runtime.InferenceSession) => {
  const [input, ...others] = inputMetadata
  const output = outputMetadata.find(({ name }) => name === 'logits')
  if (!input?.isTensor || input.name !== 'observation' || others.length > 0) {
    const names = inputMetadata.map(({ name }) => name).join(', ')
    throw unusable(`its inputs are ${names}, not observation alone`)
  }
  if (!output?.isTensor) throw unusable('it has no output logits')
  if (input.type !== 'float32' || output.type !== 'float32' || input.shape.length !== 2) {
    throw unusable('its observation and logits are not rows of float32')
  }
  const [batch, width] = input.shape.map((size) => (typeof size === 'number' ? size : null))
  if (batch !== null && batch !== 1) throw unusable(`it takes ${batch} observations only`)
  return { batch: batch ?? null, width: width ?? null }
}

const unusable = (why: unknown): HearthError => {
  const text = (why instanceof Error ? why.message : String(why)).split('\n')[0]?.slice(0, 300)
  return new HearthError('conflict', `The ONNX file of the model cannot be used: ${text}`)
}
