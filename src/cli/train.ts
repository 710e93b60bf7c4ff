/** The verb that training jobs run: not for people, so no help tells of it. */
import { scenarioOf } from '../../plugins/scenarios/catalogue.ts'
import { train as run } from '../../plugins/scenarios/training/program.ts'

export const train = (): Promise<number> => run(process.env, scenarioOf)
