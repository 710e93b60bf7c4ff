/** Every end that a job can have has its class, and what the program told is read with care. */
import { expect, test } from 'bun:test'
import { endingOf, exceptionIn } from '../../../../plugins/experiments/execution/outcome.ts'
import type { JobView, OutcomeReason } from '../../../../src/sdk.ts'

type Outcome = NonNullable<JobView['outcome']>

const ended = (outcome: Partial<Outcome> | null, state: JobView['state'] = 'failed') => ({
  state,
  outcome: outcome && {
    ...{ reason: 'exited' as const, exit_code: null, signal: null, message: null, usage: null },
    ...outcome,
  },
})

const raised = (type: string) => ({ type, message: 'why', args: ['why'], stack: [] })

test.each([
  ['cancelled', 'cancelled'],
  ['paused', 'cancelled'],
  ['timeout', 'timeout'],
  ['oom', 'memory'],
  ['disk_full', 'disk_full'],
  ['log_limit', 'output_limit'],
  ['lease_expired', 'lost'],
  ['shim_lost', 'lost'],
  ['prepare_failed', 'refused'],
  ['start_failed', 'refused'],
  ['refused', 'refused'],
] satisfies [OutcomeReason, string][])('%s is %s, in the job’s own words', (reason, failure) => {
  // Whatever the program told before: it did not end by itself.
  expect(endingOf(ended({ reason, message: 'words' }), raised('KeyError')) as unknown).toEqual({
    failure,
    message: 'words',
  })
})

test('of programs that ended by themselves exit code, signal and exception tell', () => {
  const end = (outcome: Partial<Outcome>, type?: string) =>
    endingOf(ended(outcome), type === undefined ? null : raised(type))
  expect([
    endingOf(ended({ exit_code: 0 }, 'succeeded'), raised('KeyError')),
    end({ exit_code: 1 }, 'KeyError'),
    end({ exit_code: 1 }, 'MemoryError'),
    end({ exit_code: 3 }),
    end({ signal: 'SIGSEGV' }),
    end({ exit_code: 137 }),
    end({ exit_code: 139 }, 'KeyError'),
    endingOf(ended(null), null),
  ]).toEqual([
    { failure: null, message: null },
    { failure: 'exception', message: 'KeyError: why' },
    { failure: 'memory', message: 'why' },
    { failure: 'exception', message: 'The program ended with exit code 3' },
    { failure: 'killed', message: 'The program was ended by SIGSEGV' },
    { failure: 'killed', message: 'The program was ended by SIGKILL' },
    { failure: 'killed', message: 'The program was ended by SIGSEGV' },
    { failure: 'lost', message: 'Nothing is known of how the program ended' },
  ])
})

test('the last exception that has the right form counts', () => {
  const line = (exception: unknown, type = 'exception') => JSON.stringify({ type, exception })
  const events = [
    line(raised('First')),
    line({ ...raised('Second'), stack: [['solution.py', 3, 'f', 'f()']] }),
    line(raised('Other'), 'metric'),
    line({ ...raised('NoTexts'), args: [1] }),
    line({ ...raised('NoFrames'), stack: [['solution.py', '3', 'f', 'f()']] }),
    line({ type: 'NoMessage', args: [], stack: [] }),
    line(null),
    'null "exception"',
    '{"exception',
    '',
  ]
  expect(exceptionIn(events.join('\n'))).toEqual({
    ...raised('Second'),
    stack: [['solution.py', 3, 'f', 'f()']],
  })
  expect(exceptionIn('')).toBeNull()
})
