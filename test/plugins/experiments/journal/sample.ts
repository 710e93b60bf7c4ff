/** The journal whose export AIDE itself has read: see search/aide_conformance.py. */
import { finished, journalOf, proposed } from './tree.ts'

/** A draft, a failure, its repair, an improvement, one in flight, and one that was left out. */
export const sample = journalOf([
  { type: 'started' },
  { type: 'directed', maximize: false },
  proposed(1),
  finished(1, 0.5),
  proposed(2),
  finished(2, null, {
    failure: 'exception',
    exception: {
      type: 'ValueError',
      message: 'bad «value»',
      args: ['bad «value»'],
      stack: [['runfile.py', 3, '<module>', 'fit()']],
    },
  }),
  proposed(3, [2], { stage: 'debug' }),
  finished(3, null, { failure: 'timeout', exitCode: null, signal: 'SIGKILL' }),
  proposed(4),
  proposed(5, [3], { stage: 'debug' }),
  finished(5, 0.25, {
    output: { head: 'head\n', tail: 'tail\n', omittedBytes: 7, totalBytes: 17 },
  }),
  proposed(6, [1]),
  finished(6, 0.75),
  { type: 'pruned', node: 'node_6', isPruned: true },
])
