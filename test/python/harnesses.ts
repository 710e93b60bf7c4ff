/** The interpreters that have AutoGen and CrewAI: what `bun run test` made, or made before. */
import { join } from 'node:path'

const cached = (name: string) => join(import.meta.dir, `../../.cache/harness-${name}/bin/python`)

export const harnessPythons = {
  AutoGen: process.env['HEARTH_TEST_AUTOGEN_PYTHON'] ?? cached('autogen'),
  CrewAI: process.env['HEARTH_TEST_CREWAI_PYTHON'] ?? cached('crewai'),
} as const
