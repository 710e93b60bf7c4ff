/** Python sources are embedded by `with { type: 'text' }`. */
declare module '*.py' {
  const text: string
  export default text
}
