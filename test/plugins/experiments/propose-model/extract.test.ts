/** A program is found however a model fences it, and prose is never taken for one. */
import { describe, expect, test } from 'bun:test'
import { extractProgram } from '../../../../plugins/experiments/propose/model/extract.ts'

const tick = '```'
const rows: Record<string, { reply: string; plan: string; code: string }> = {
  'a plan and a block': {
    reply: `A forest.\n\n${tick}python\nimport numpy\nprint(1)\n${tick}\nThat is all.`,
    plan: 'A forest.',
    code: 'import numpy\nprint(1)\n',
  },
  'a block that is called py': {
    reply: `${tick}py\nprint(1)\n${tick}`,
    plan: '',
    code: 'print(1)\n',
  },
  'a block without a name': {
    reply: `A forest.\n${tick}\nprint(1)\n${tick}`,
    plan: 'A forest.',
    code: 'print(1)\n',
  },
  'waves instead of ticks': {
    reply: `~~~python\nprint(1)\n~~~`,
    plan: '',
    code: 'print(1)\n',
  },
  'ticks in a string': {
    reply: `${tick}python\nprint("${tick}")\nprint("""\na ${tick}\n""")\n${tick}`,
    plan: '',
    code: `print("${tick}")\nprint("""\na ${tick}\n""")\n`,
  },
  'a longer fence around a shorter one': {
    reply: `${tick}${tick}python\ntext = """\n${tick}\n"""\n${tick}${tick}`,
    plan: '',
    code: `text = """\n${tick}\n"""\n`,
  },
  'two blocks are one program': {
    reply: `Load.\n${tick}python\nimport numpy\n${tick}\nTrain.\n${tick}python\nprint(1)\n${tick}`,
    plan: 'Load.',
    code: 'import numpy\n\nprint(1)\n',
  },
  'what is not Python is left out': {
    reply: `${tick}bash\npip install x\n${tick}\n${tick}python\nprint(1)\n${tick}`,
    plan: `${tick}bash\npip install x\n${tick}`,
    code: 'print(1)\n',
  },
  'an unnamed block beside a named one is output': {
    reply: `${tick}python\nprint(1)\n${tick}\nIt prints:\n${tick}\nx = 1\n${tick}`,
    plan: '',
    code: 'print(1)\n',
  },
  'a block in a list is moved to the left': {
    reply: `1. A forest:\n   ${tick}python\n   if True:\n       print(1)\n   ${tick}`,
    plan: '1. A forest:',
    code: 'if True:\n    print(1)\n',
  },
  'a first line that is indented stays so': {
    reply: `${tick}python\n\n    print(1)\n    print(2)\n${tick}`,
    plan: '',
    code: '    print(1)\n    print(2)\n',
  },
  'a reply that was cut off': {
    reply: `A forest.\n${tick}python\nimport numpy\nprint(`,
    plan: 'A forest.',
    code: 'import numpy\nprint(\n',
  },
  'lines that end as on Windows': {
    reply: `A forest.\r\n${tick}python\r\nimport numpy\r\nprint(1)\r\n${tick}\r\n`,
    plan: 'A forest.',
    code: 'import numpy\nprint(1)\n',
  },
  'thoughts with a program in them': {
    reply:
      `<think>\n${tick}python\nprint(0)\n${tick}\n</think>\n` +
      `A forest.\n${tick}python\nprint(1)\n${tick}`,
    plan: 'A forest.',
    code: 'print(1)\n',
  },
  'a program without a fence': {
    reply: 'import numpy\nprint(1)\n',
    plan: '',
    code: 'import numpy\nprint(1)\n',
  },
  'prose alone': { reply: 'I would use a forest.', plan: 'I would use a forest.', code: '' },
  'what is called Python is a program': {
    reply: `${tick}python\nraise ValueError\n${tick}`,
    plan: '',
    code: 'raise ValueError\n',
  },
  'prose in a fence': {
    reply: `${tick}\nI would use a forest.\n${tick}`,
    plan: `${tick}\nI would use a forest.\n${tick}`,
    code: '',
  },
  'an empty block': {
    reply: `${tick}python\n${tick}`,
    plan: `${tick}python\n${tick}`,
    code: '',
  },
  'thoughts without an end': { reply: `<think>\nprint(0)\nimport x`, plan: '', code: '' },
  nothing: { reply: '', plan: '', code: '' },
}

describe('extractProgram', () => {
  test.each(Object.entries(rows))('%s', (_name, { reply, plan, code }) => {
    expect(extractProgram(reply)).toEqual({ plan, code })
  })
})
