/** Reads a program for the usual ways to a score that does not hold: hints, never proof. */
import type { Task } from './task.ts'

/** Warnings for people and for the next proposal, each with its line. */
export const leakageWarnings = (code: string, task: Task | null): string[] => {
  const source = sourceOf(code)
  return rules.flatMap(({ message, find }) => {
    const at = find(source, task)
    return at === null ? [] : [`Line ${lineOf(source.code, at)}: ${message}`]
  })
}

interface Source {
  /** Without comments. */
  readonly code: string
  readonly strings: readonly { readonly text: string; readonly at: number }[]
}

interface Rule {
  readonly message: string
  /** Where it is broken, or null. */
  find(source: Source, task: Task | null): number | null
}

const lineOf = (code: string, at: number): number => code.slice(0, at).split('\n').length

/** A string in either quotes, once or three times, or a comment. */
const token = /("""|''')([\s\S]*?)\1|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|#[^\n]*/g

const sourceOf = (code: string): Source => {
  const strings: { text: string; at: number }[] = []
  const bare = code.replace(token, (whole, quotes, long, double, single, at: number) => {
    if (whole.startsWith('#')) return ' '.repeat(whole.length)
    if (quotes === undefined) strings.push({ text: double ?? single ?? '', at })
    // What stands by itself in three quotes is a comment too; its lines are kept.
    return quotes === undefined
      ? whole
      : String(long).replaceAll(/[^\n]/g, ' ').padEnd(whole.length)
  })
  return { code: bare, strings }
}

const indexOf = (code: string, pattern: RegExp): number | null => {
  const at = code.search(pattern)
  return at < 0 ? null : at
}

const quotedTarget = (task: Task): string =>
  `(?<quote>['"])${task.target.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}\\k<quote>`

const rules: readonly Rule[] = [
  {
    message: 'a transformer is fit before the data is split, so it has seen the validation rows.',
    find: ({ code }) => {
      const split = indexOf(code, /\btrain_test_split\s*\(|\bcross_val\w+\s*\(|\.split\s*\(\s*X/)
      const fit = indexOf(code, /\.fit_transform\s*\(/)
      return split !== null && fit !== null && fit < split ? fit : null
    },
  },
  {
    message: 'training and test rows are joined before something is fit to them.',
    find: ({ code }) => {
      const join = indexOf(code, /\bconcat\s*\([^\n]{0,200}\btrain\w*[^\n]{0,200}\btest\w*/)
      const fit = join === null ? null : indexOf(code.slice(join), /\.fit(_transform)?\s*\(/)
      return fit === null ? null : join
    },
  },
  {
    message: 'the target is read from the rows to predict.',
    find: ({ code }, task) =>
      task &&
      indexOf(code, new RegExp(`\\btest\\w*\\s*\\[\\s*${quotedTarget(task)}\\s*\\](?!\\s*=[^=])`)),
  },
  {
    message: 'the target seems to be among the features.',
    find: ({ code }, task) => {
      if (!task) return null
      const names = String.raw`\b(features?|feature_cols|columns|cols|predictors)\s*=\s*\[\s*`
      const before = String.raw`(?:['"][^'"\n]*['"]\s*,\s*)*`
      const list = `${names}${before}${quotedTarget(task)}`
      return indexOf(code, new RegExp(list))
    },
  },
  {
    message: 'a file outside of ./input and ./working is opened.',
    find: ({ code, strings }) => {
      const outside = strings.find(({ text, at }) => {
        const opens =
          /\b(open|Path|glob|iglob|listdir|walk|scandir|load\w*|read_\w+)\s*\(\s*[rbf]?$/
        return /^(\/|~|\.\.\/)/.test(text) && opens.test(code.slice(Math.max(0, at - 40), at))
      })
      return outside?.at ?? null
    },
  },
  {
    message: 'the network is used.',
    find: ({ code }) =>
      indexOf(
        code,
        /^[ \t]*(import|from)\s+(requests|urllib|http\.client|socket|aiohttp|httpx)\b/m,
      ) ?? indexOf(code, /\b(read_\w+|urlopen|urlretrieve|get)\s*\(\s*["'](https?|ftp|s3):/),
  },
  {
    message: 'a public data set is loaded, which may hold the rows to predict.',
    find: ({ code }) =>
      indexOf(
        code,
        /\bfetch_(openml|california_housing|covtype|kddcup99|20newsgroups|rcv1)\s*\(/,
      ) ?? indexOf(code, /\bload_(iris|wine|digits|diabetes|breast_cancer|linnerud|dataset)\s*\(/),
  },
  {
    message: 'a long list of constants stands in the code: answers may be written into it.',
    find: ({ code }) =>
      indexOf(code, /[[{(](\s*(['"]?[\w.+-]+['"]?\s*:\s*)?['"]?[\w.+-]+['"]?\s*,){200}/),
  },
  {
    message: 'sample_submission.csv is handed in as it is.',
    find: ({ code }) => {
      const copied = indexOf(code, /\b(copy\w*|move|rename)\s*\([^)\n]*sample_submission/)
      const read = /\b(\w+)\s*=\s*[\w.]*read_csv\s*\([^)\n]*sample_submission[^)\n]*\)/.exec(code)
      if (copied !== null || !read) return copied
      const name = read[1]!
      const behind = code.slice(read.index + read[0].length)
      const changes = new RegExp(`\\b${name}\\s*(\\.\\s*(i?loc|iat|at|\\w+\\s*=[^=])|\\[|=[^=])`)
      const isWritten = new RegExp(`\\b${name}\\.to_csv\\s*\\(`).test(behind)
      return isWritten && !changes.test(behind) ? read.index : null
    },
  },
]
