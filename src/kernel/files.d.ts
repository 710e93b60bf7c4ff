/** Files embedded by `with { type: 'file' }` are paths to the compiler, whatever their ending. */
declare module '*.css' {
  const path: string
  export default path
}
declare module 'redoc/bundles/redoc.standalone.js' {
  const path: string
  export default path
}
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  const path: string
  export default path
}
