/** Reads a filter such as `metrics.loss < 0.5 and tags contains "demo"` into its tree. */
import { readField, readOperator, readValue } from './field.ts'
import type { Comparison, Field, Filter, Literal, OrderTerm } from './syntax.ts'
import { syntaxError, type Token, tokenize } from './tokens.ts'

/** Each comparison becomes a subquery: nobody asks a question with more of them than this. */
const maxComparisons = 100
const maxDepth = 50
const maxListed = 1000
const maxOrderTerms = 8

const comparisons: readonly string[] = ['=', '!=', '<', '<=', '>', '>=', '~'] satisfies Comparison[]

/**
 * The tree of a filter; null when it is blank.
 * @throws HearthError `bad_request` with the position and what was expected there
 */
export const parseFilter = (text: string, source = 'filter'): Filter | null => {
  const tokens = tokenize(text, source)
  if (tokens.length === 1) return null
  const parser = new Parser(tokens, source)
  const filter = parser.either(0)
  parser.expectEnd('"and", "or" or the end')
  return filter
}

/** Reads `metrics.loss asc` and its like. @throws HearthError `bad_request` */
export const parseOrder = (texts: readonly string[], source = 'order_by'): OrderTerm[] => {
  if (texts.length > maxOrderTerms) {
    throw syntaxError(source, 0, `has more than ${maxOrderTerms} terms`)
  }
  return texts.map((text) => new Parser(tokenize(text, source), source).orderTerm())
}

/** Recursive descent: one method for each rule of the grammar in docs/tracking.md. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #source: string
  #next = 0
  #comparisons = 0

  constructor(tokens: readonly Token[], source: string) {
    this.#tokens = tokens
    this.#source = source
  }

  either(depth: number): Filter {
    return this.#chain('or', () => this.#chain('and', () => this.#negation(depth)))
  }

  orderTerm(): OrderTerm {
    const at = this.#peek().at
    const field = this.#field()
    if (field.kind === 'tags') throw this.#error(at, 'cannot order by tags')
    const descending = this.#takeWord('desc')
    if (!descending) this.#takeWord('asc')
    this.expectEnd('"asc", "desc" or the end')
    return { field, descending }
  }

  expectEnd(expected: string): void {
    if (this.#peek().kind !== 'end') throw this.#expected(expected)
  }

  #chain(kind: 'and' | 'or', term: () => Filter): Filter {
    const first = term()
    const terms = [first]
    while (this.#takeWord(kind)) terms.push(term())
    return terms.length === 1 ? first : { kind, terms }
  }

  #negation(depth: number): Filter {
    const at = this.#peek().at
    if (depth > maxDepth) throw this.#error(at, `is nested deeper than ${maxDepth}`)
    if (this.#takeWord('not')) return { kind: 'not', term: this.#negation(depth + 1) }
    if (!this.#takeSymbol('(')) return this.#comparison()
    const inner = this.either(depth + 1)
    if (!this.#takeSymbol(')')) throw this.#expected('"and", "or" or ")"')
    return inner
  }

  #comparison(): Filter {
    const at = this.#peek().at
    if (++this.#comparisons > maxComparisons) {
      throw this.#error(at, `has more than ${maxComparisons} comparisons`)
    }
    const field = this.#field()
    if (this.#takeWord('is')) {
      const present = this.#takeWord('not')
      if (!this.#takeWord('null')) throw this.#expected('"null"')
      const absent: Filter = { kind: 'absent', field }
      return present ? { kind: 'not', term: absent } : absent
    }
    const negated = this.#takeWord('not')
    const filter = this.#operation(field, negated)
    return negated ? { kind: 'not', term: filter } : filter
  }

  #operation(field: Field, negated: boolean): Filter {
    if (this.#takeWord('in')) return { kind: 'in', field, values: this.#list(field) }
    const token = this.#peek()
    if (this.#takeWord('contains')) {
      // A run has a tag or has it not; text has no members, so that only a part of it can be meant.
      const op = field.kind === 'tags' ? '=' : '~'
      return { kind: 'compare', field, op, value: this.#value(field, op) }
    }
    if (negated || token.kind !== 'symbol' || !comparisons.includes(token.value)) {
      throw this.#expected(negated ? '"in" or "contains"' : 'an operator such as = or <')
    }
    this.#next++
    const op = token.value as Comparison
    readOperator(field, op, token.at, this.#source)
    return { kind: 'compare', field, op, value: this.#value(field, op) }
  }

  #list(field: Field): Literal[] {
    if (!this.#takeSymbol('(')) throw this.#expected('"("')
    const values: Literal[] = []
    do {
      if (values.length === maxListed) {
        throw this.#error(this.#peek().at, `lists more than ${maxListed} values`)
      }
      values.push(this.#value(field, 'in'))
    } while (this.#takeSymbol(','))
    if (!this.#takeSymbol(')')) throw this.#expected('"," or ")"')
    return values
  }

  #field(): Field {
    const token = this.#peek()
    if (token.kind !== 'path') throw this.#expected('a field such as metrics.loss')
    this.#next++
    return readField(token.segments, token.at, this.#source)
  }

  #value(field: Field, op: Comparison | 'in'): Literal {
    const token = this.#peek()
    const value = literal(token)
    if (value === null) {
      const word = wordOf(token)
      throw this.#expected(word ? `a value (text needs quotes: "${word}")` : 'a value')
    }
    this.#next++
    return readValue(field, op, value, token.at, this.#source)
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token
  }

  #takeWord(word: string): boolean {
    const found = wordOf(this.#peek())?.toLowerCase() === word
    if (found) this.#next++
    return found
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek()
    const found = token.kind === 'symbol' && token.value === symbol
    if (found) this.#next++
    return found
  }

  #expected(what: string): Error {
    return this.#error(this.#peek().at, `needs ${what}`)
  }

  #error(at: number, problem: string): Error {
    return syntaxError(this.#source, at, problem)
  }
}

/** The text of a token that is one bare word, and so may be a keyword. */
const wordOf = (token: Token): string | null => {
  const [first, ...rest] = token.kind === 'path' ? token.segments : []
  return first && rest.length === 0 && !first.quoted ? first.text : null
}

const literal = (token: Token): Literal | null => {
  if (token.kind === 'text' || token.kind === 'number') return token.value
  const word = wordOf(token)?.toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : null
}
