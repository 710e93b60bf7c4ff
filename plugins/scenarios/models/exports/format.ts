/** What a model can be taken away as: one file each. */
import type { Scenario } from '../../environment.ts'
import type { Model } from '../model-rows.ts'
import type { ModelKind } from '../manifest.ts'

export interface ExportSource {
  readonly model: Model
  /** Absent: this server no longer has it. */
  readonly scenario: Scenario | undefined
  /** Where the server was asked: `http://127.0.0.1:8000`. */
  readonly origin: string
  /** @throws HearthError `not_found`, `gone` */
  file(path: string): Promise<ReadableStream<Uint8Array>>
  /** Paths of all its files. */
  readonly paths: readonly string[]
}

export interface ExportedFile {
  /** With its extension. */
  readonly name: string
  readonly mediaType: string
  readonly body: ReadableStream<Uint8Array> | string
}

export interface ExportFormat {
  /** For whom it is, in a few words. */
  readonly title: string
  /** Kinds of models that it is for. */
  readonly kinds: readonly ModelKind[]
  /** @throws HearthError `conflict`: why this model cannot be that */
  make(source: ExportSource): Promise<ExportedFile>
}
