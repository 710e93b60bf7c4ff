/** Models that act: their networks kept warm, the least used put aside. */
import { HearthError, type Logger } from '../../../src/sdk.ts'
import type { Catalogue } from '../catalogue.ts'
import type { Model, ModelFile } from '../models/model-rows.ts'
import { modelPaths } from '../models/manifest.ts'
import type { Registry } from '../models/registry.ts'
import { Batch } from './batch.ts'
import { type OnnxRuntime, openRuntime } from './onnx-runtime.ts'

/** A model that acts by numbers. */
export interface Served {
  /** In the order of their numbers; empty: nobody has told. */
  readonly actions: readonly string[]
  /** Length of an observation. */
  readonly width: number
  /** @throws HearthError `conflict` where the model cannot */
  logits(observation: ArrayLike<number>): Promise<Float32Array>
  close(): void
}

export interface ServedModelsOptions {
  readonly registry: Registry
  readonly catalogue: Catalogue
  readonly log: Logger
  /** How the runtime is come by; absent: onnxruntime-node. */
  readonly open?: () => Promise<OnnxRuntime>
  /** So many networks stay warm. Absent: 32. */
  readonly kept?: number
}

interface Warm {
  readonly served: Promise<Served>
  readonly bytes: number
}

const untold = 'Nobody has told how long an observation of the model is'
const usuallyKept = 32
/** Of all warm networks' files together; one alone may not be larger. */
const maxBytes = 256e6

export class ServedModels {
  readonly #options: ServedModelsOptions
  readonly #warm = new Map<string, Warm>()
  #runtime: Promise<OnnxRuntime | null> | undefined

  constructor(options: ServedModelsOptions) {
    this.#options = options
    options.registry.onRemoved((id) => this.#forget(id))
  }

  /** @throws HearthError `conflict`: it does not act by numbers, or its file is broken */
  async of(model: Model): Promise<Served> {
    const known = this.#warm.get(model.id)
    if (known) {
      this.#warm.delete(model.id)
      this.#warm.set(model.id, known)
      return known.served
    }
    const file = networkOf(model, await this.#options.registry.filesOf(model))
    // Another request may have come first.
    const warm = this.#warm.get(model.id) ?? { served: this.#load(model, file), bytes: file.size }
    this.#warm.set(model.id, warm)
    warm.served.catch(() => this.#forget(model.id))
    this.#putAside()
    return warm.served
  }

  /**
   * Whether the bytes are a network that could be served: runs it once. `width`: of observations,
   * where the network takes any. Answers what it takes and gives.
   * @throws HearthError `conflict` and why not, `unavailable` without the runtime
   */
  async probe(onnx: Uint8Array, width: number | undefined) {
    const runtime = await this.#open()
    if (!runtime) throw new HearthError('unavailable', 'onnxruntime does not run on this machine')
    const network = await runtime.load(onnx)
    try {
      const taken = network.width ?? width
      if (taken === undefined) throw new HearthError('conflict', untold)
      return { width: taken, actions: (await network.run(new Float32Array(taken), 1)).length }
    } finally {
      await network.release()
    }
  }

  /** Gives back everything. */
  close(): void {
    for (const id of [...this.#warm.keys()]) this.#forget(id)
  }

  #putAside(): void {
    const { kept = usuallyKept } = this.#options
    let bytes = [...this.#warm.values()].reduce((sum, one) => sum + one.bytes, 0)
    for (const [id, one] of [...this.#warm]) {
      if (this.#warm.size <= Math.max(1, kept) && bytes <= maxBytes) return
      bytes -= one.bytes
      this.#forget(id)
    }
  }

  #forget(id: string): void {
    const warm = this.#warm.get(id)
    this.#warm.delete(id)
    warm?.served.then(
      (served) => served.close(),
      // Whoever asked was told.
      () => {},
    )
  }

  async #load(model: Model, file: ModelFile): Promise<Served> {
    const { registry, catalogue } = this.#options
    const paths = (await registry.filesOf(model)).map(({ path }) => path)
    const policy = paths.includes(modelPaths.policy) ? await registry.policy(model) : null
    const runtime = await this.#open()
    if (!runtime) {
      if (!policy) throw new HearthError('unavailable', 'onnxruntime does not run on this machine')
      const { actions, observations: width } = policy.file
      return { actions, width, logits: async (seen) => policy.logits(seen), close() {} }
    }
    const network = await runtime.load(
      await new Response(await registry.file(model, file.path)).bytes(),
    )
    const spec = catalogue.find(model.scenario)?.spec
    const width = network.width ?? policy?.file.observations ?? spec?.observations
    if (width === undefined) {
      await network.release()
      throw new HearthError('conflict', untold)
    }
    const batch = new Batch(network, width)
    return {
      actions: policy?.file.actions ?? spec?.actions ?? [],
      width,
      logits: async (seen) => {
        // A newer version of the scenario may show something else than the network was made for.
        if (seen.length !== width) throw otherWidth(width, seen.length)
        return finite(await batch.ask(seen))
      },
      close: () => batch.close(),
    }
  }

  /** null: this machine has no runtime; said once. */
  #open(): Promise<OnnxRuntime | null> {
    const { open = openRuntime, log } = this.#options
    this.#runtime ??= open().then(
      (runtime) => {
        log.debug('models are served by onnxruntime', { version: runtime.version })
        return runtime
      },
      (error: unknown) => {
        const note = 'onnxruntime cannot be loaded: policies are computed by the server itself'
        log.warn(note, { error: String(error) })
        return null
      },
    )
    return this.#runtime
  }
}

/** @throws HearthError `conflict` */
const networkOf = (model: Model, files: readonly ModelFile[]): ModelFile => {
  if (model.kind !== 'policy') {
    throw new HearthError('conflict', `A model of kind ${model.kind} does not act by numbers`)
  }
  const networks = files.filter(({ path }) => path.endsWith('.onnx'))
  const file = networks.find(({ path }) => path === modelPaths.onnx) ?? networks[0]
  if (!file) throw new HearthError('conflict', 'The model has no ONNX file')
  if (file.size > maxBytes) throw new HearthError('conflict', 'The model is too large to be served')
  return file
}

const otherWidth = (own: number, seen: number): HearthError =>
  new HearthError('conflict', `The model sees ${own} numbers, and ${seen} are shown to it`)

const finite = (logits: Float32Array): Float32Array => {
  if (logits.every(Number.isFinite)) return logits
  throw new HearthError('conflict', 'The network of the model answers with what is no number')
}
