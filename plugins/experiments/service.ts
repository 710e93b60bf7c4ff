/** What other plugins may ask of experiments. */
import { defineService, type Who } from '../../src/sdk.ts'
import type { Experiment } from './experiment.ts'
import type { NewExperiment } from './experiments.ts'
import type { Journal } from './journal/journal.ts'

export interface ExperimentsService {
  /** @throws HearthError `not_found` for files, `validation` for settings */
  create(who: Who, given: NewExperiment): Promise<Experiment>
  /** @throws HearthError `not_found`, also for an experiment of somebody else; so do all below */
  get(who: Who, id: string): Promise<Experiment>
  journal(who: Who, id: string): Promise<Journal>
  /** @throws HearthError `conflict` while it runs, or when nothing is left to do */
  start(who: Who, id: string): Promise<Experiment>
  /** Answers when nothing of it runs any more. */
  stop(who: Who, id: string): Promise<Experiment>
}

export const experiments = defineService<ExperimentsService>('experiments')
