/** Looks a node through for ways to a score that does not hold. */
import type { Blobs } from '../../../src/sdk.ts'
import type { Node, Run } from '../journal/node.ts'
import { leakageWarnings } from '../scoring/leakage.ts'
import type { Groundwork } from './groundwork.ts'
import type { Inspection } from './judge.ts'

export const inspectNode = async (
  _blobs: Blobs,
  { task }: Groundwork,
  node: Node,
  _run: Run,
): Promise<Inspection> => ({ warnings: leakageWarnings(node.code, task), isLeak: false })
