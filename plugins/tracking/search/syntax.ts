/** The tree that a filter becomes: what the parser makes and the compiler reads. */

export type MetricPart = 'last' | 'min' | 'max'

export const attributes = {
  id: 'number',
  project_id: 'number',
  name: 'text',
  notes: 'text',
  status: 'text',
  started_at: 'time',
  ended_at: 'time',
  created_at: 'time',
  duration: 'number',
} as const

export type Attribute = keyof typeof attributes

export type Field =
  | { readonly kind: 'metric'; readonly name: string; readonly part: MetricPart }
  | { readonly kind: 'param'; readonly key: string }
  | { readonly kind: 'attribute'; readonly name: Attribute }
  | { readonly kind: 'tags' }

export type Literal = number | string | boolean

/** `~` and `contains` on text are the same: the text appears in it, in any case. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~'

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Filter[] }
  | { readonly kind: 'not'; readonly term: Filter }
  | {
      readonly kind: 'compare'
      readonly field: Field
      readonly op: Comparison
      readonly value: Literal
    }
  | { readonly kind: 'in'; readonly field: Field; readonly values: readonly Literal[] }
  | { readonly kind: 'absent'; readonly field: Field }

export interface OrderTerm {
  readonly field: Exclude<Field, { kind: 'tags' }>
  readonly descending: boolean
}
