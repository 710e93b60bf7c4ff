/** What other plugins may ask of scenarios. */
import { defineService, type Who } from '../../src/sdk.ts'
import type { Model, ModelFile } from './models/model-rows.ts'
import type { ModelDraft } from './models/registry.ts'

export type { Lineage, Model, ModelFile } from './models/model-rows.ts'
export type { ModelDraft } from './models/registry.ts'

/** The one registry of models, whoever made them. Users see their own, administrators all. */
export interface Models {
  /**
   * Stores the files, then tells of the model as the next version of its name. With the `id` of
   * one that is there it answers that one: a registration may be sent again after a crash.
   * @throws HearthError `validation`
   */
  register(owner: Who, draft: ModelDraft): Promise<Model>
  /** In the order they came; `name`: the versions of one. */
  list(who: Who, filter?: { readonly name?: string }): Promise<readonly Model[]>
  /** @throws HearthError `not_found`, also for one that is somebody else's; so do all below */
  get(who: Who, id: string): Promise<Model>
  files(who: Who, id: string): Promise<readonly ModelFile[]>
  /** @throws HearthError also `gone` */
  file(who: Who, id: string, path: string): Promise<ReadableStream<Uint8Array>>
  /** Its files too, those that no other model has. */
  remove(who: Who, id: string): Promise<void>
}

/** A scenario that another plugin brought. */
export interface BroughtScenario {
  readonly id: string
  /** sha256 of the bundle: the same for whoever trains on it, wherever. */
  readonly hash: string
  /** Takes it out again; trainings that have begun go on. */
  remove(): void
}

/** Where plugins bring scenarios of their own. */
export interface Scenarios {
  /**
   * Bundles the module at `path` and takes in the `scenario` it exports, here and in every job
   * that trains on it. One of the same id that was brought before is replaced.
   * @throws HearthError `validation` with what is wrong with it, `conflict` for a built-in's id
   */
  bring(path: string): Promise<BroughtScenario>
}

export const scenarios = defineService<Scenarios>('scenarios')

export const models = defineService<Models>('models')
